"""What the screens keep in memory and look up on disk, run after run."""

from __future__ import annotations

import gc
import logging
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.elements.lib import policies

from neurontune_core.errors import InputError
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import Workspace
from pages.parts.frame import state
from pages.parts.samples import sample_map
from tests.support import odd_projects
from tests.support.pages import opened
from tests.support.projects import write_project


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    write_project(Workspace(tmp_path).new_folder("birds"))
    return Workspace(tmp_path)


def test_an_open_project_is_found_again_without_reading_or_listing_anything(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    diagnosis, gallery = state.open_diagnosis("birds"), state.gallery("birds")

    def read(*_: object) -> None:
        raise AssertionError("a run of a screen reads the project again")

    with monkeypatch.context() as patched:
        patched.setattr(Workspace, "names", read)
        patched.setattr(Project, "__init__", read)
        assert state.open_diagnosis("birds") is diagnosis
        assert state.gallery("birds") is gallery
    for name in ("fish", "../birds", ""):
        with pytest.raises(InputError, match="There is no project"):
            state.gallery(name)
    write_project(workspace.root / "projects" / "birds")
    assert state.open_diagnosis("birds") is not diagnosis


def test_the_map_is_drawn_once_and_goes_with_its_split(workspace: Workspace) -> None:
    diagnosis = Diagnosis(workspace.open("birds"))
    split = MeasuredSplit(diagnosis.project, diagnosis.erm, diagnosis.samples("test"))
    figure = sample_map._figure(split, sample_map.PRINCIPAL, "", 0)
    assert sample_map._figure(split, sample_map.PRINCIPAL, "", 0) is figure
    assert sample_map._figure(split, sample_map.PRINCIPAL, "", 1) is not figure
    alive = weakref.ref(split)
    del split
    gc.collect()
    assert alive() is None


def test_the_map_asks_for_progress_only_while_a_job_computes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SimpleNamespace] = []
    monkeypatch.setattr(sample_map, "_progress", asked.append)
    for state_of_job, expected in ((None, []), ("failed", []), ("running", ["running"])):
        status = SimpleNamespace(state=state_of_job, finished=state_of_job == "failed", error="It broke.")
        jobs = [SimpleNamespace(name=state_of_job, status=lambda status=status: status)] if state_of_job else []
        monkeypatch.setattr(sample_map, "_jobs", lambda _, jobs=jobs: jobs)
        shown = opened("birds", "groups", split="val", map_kind="UMAP")
        assert [job.name for job in asked] == expected
        assert ("make_map" in {button.key for button in shown.button}) == (not expected)


def test_no_widget_has_a_default_beside_a_value_of_the_session(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    monkeypatch.setattr(policies._LOGGER, "propagate", True)
    odd_projects.a_thousand_classes(workspace.new_folder("odd"))
    with caplog.at_level(logging.WARNING):
        shown = opened("birds", "retrain", epochs="3", rate="0.01", seed="5", batch="64", advised="false")
        assert [shown.number_input(key=key).value for key in ("epochs", "rate", "seed", "batch")] == [3, 0.01, 5, 64]
        shown.number_input(key="batch").set_value(128).run()
        shown.selectbox(key="project").set_value("odd").run()
        assert shown.number_input(key="batch").value == 1000
        shown.slider(key="mask").set_value(0.5).run()
        shown.button(key="undo").click().run()
        assert shown.slider(key="mask").value == 0.0
    assert "was created with a default value" not in caplog.text
