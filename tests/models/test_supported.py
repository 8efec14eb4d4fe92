"""docs/supported.md says what inspect really does."""

from __future__ import annotations

from pathlib import Path

from tests.support.layouts import IMAGE_LAYOUTS, TEXT_LAYOUTS
from tests.support.supported import DOCUMENT, LAYOUTS, document


def test_the_table_of_what_is_read_is_what_inspect_finds(tmp_path: Path) -> None:
    assert list(LAYOUTS) == [*IMAGE_LAYOUTS, *TEXT_LAYOUTS]
    found = document(tmp_path)
    assert DOCUMENT.read_text(encoding="utf-8") == found
    assert "✗" not in found
