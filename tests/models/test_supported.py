"""docs/supported.md says what inspect really does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.image_layouts import IMAGE_LAYOUTS
from tests.support.supported import DOCUMENT, LAYOUTS, data_rows, document, model_rows
from tests.support.text_layouts import TEXT_LAYOUTS


@pytest.mark.long
def test_every_fourth_layout_and_every_sixth_network_is_read_as_the_table_says(tmp_path: Path) -> None:
    assert list(LAYOUTS) == [*IMAGE_LAYOUTS, *TEXT_LAYOUTS]
    table = DOCUMENT.read_text(encoding="utf-8").splitlines()
    data, models = data_rows(tmp_path, every=4), model_rows(tmp_path, every=6)
    assert (len(data), len(models)) == (6, 5)
    for row in [*data, *models]:
        assert "✓" in row
        assert row in table


@pytest.mark.slow(reason="every fourth layout and every sixth network is read")
def test_the_table_of_what_is_read_is_what_inspect_finds(tmp_path: Path) -> None:
    document_now = document(tmp_path)
    assert DOCUMENT.read_text(encoding="utf-8") == document_now
    assert "✗" not in document_now
