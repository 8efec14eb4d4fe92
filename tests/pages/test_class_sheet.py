"""The sheet of a class's neurons on the Neurons screen."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from neurontune_core.workspace.workspace import Workspace
from tests.support.pages import opened
from tests.support.projects import write_project


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    workspace = Workspace(tmp_path)
    write_project(workspace.new_folder("birds"))
    return workspace


def test_a_sheet_is_drawn_for_the_chosen_class_alone() -> None:
    shown = opened("birds", "neurons")
    shown.selectbox(key="sheet_class").set_value("water bird").run()
    shown.button(key="draw_sheet").click().run()
    assert not shown.exception
    drawn = shown.session_state["sheet"]
    assert drawn.of == ("birds", "water bird")
    assert Image.open(io.BytesIO(drawn.files["png"])).width > 1500
    assert drawn.files["pdf"].startswith(b"%PDF")
    labels = [each.label for each in shown.get("download_button")]
    assert labels == ["PNG", "SVG", "PDF"]
    shown.selectbox(key="sheet_class").set_value("land bird").run()
    assert not shown.get("download_button")
