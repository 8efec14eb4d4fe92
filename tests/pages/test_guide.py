"""The guided way: a sentence on each screen of the loop, ended once for all, and the next step below."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurontune_core.workspace.workspace import Workspace
from pages.parts.frame.guide import GUIDE, ONWARD, PAGES
from tests.support.pages import opened, text_of
from tests.support.projects import write_project


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return Workspace(tmp_path)


def test_the_guide_leads_over_screens_that_exist_to_the_export(workspace: Workspace) -> None:
    screen, seen = "overview", []
    while screen:
        seen.append(screen)
        assert (PAGES / f"{screen}.py").is_file()
        screen = GUIDE[screen].following
    assert seen == list(GUIDE)
    assert seen[-1] == "export"
    below = ["neurons"]  # Overview has ways of its own
    while below[-1] in ONWARD:
        below.append(ONWARD[below[-1]])
    assert below[-1] == "export"
    assert {"retrain", "check"} <= set(below)


def test_every_step_stands_on_its_screen_until_the_guide_is_ended_in_any_session(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    for number, (screen, step) in enumerate(GUIDE.items(), 1):
        shown = opened("birds", screen)
        assert f"{number} of {len(GUIDE)} · {step.question}" in text_of(shown)
    assert "of 5 ·" not in text_of(opened("birds", "theory"))
    shown.button(key="end-guide").click().run()
    assert f"of {len(GUIDE)} ·" not in text_of(shown)
    assert f"of {len(GUIDE)} ·" not in text_of(opened("birds"))
    assert Workspace(workspace.root).guide_ended


def test_a_home_that_cannot_be_written_forgets_the_end_and_breaks_nothing(workspace: Workspace) -> None:
    workspace.root.mkdir(parents=True, exist_ok=True)
    (workspace.root / "a-file").touch()
    elsewhere = Workspace(workspace.root / "a-file" / "home")
    elsewhere.end_guide()
    assert not elsewhere.guide_ended
