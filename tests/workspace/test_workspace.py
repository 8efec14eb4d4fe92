"""Projects, runs and verdicts on disk."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import InputError, TuneConfig, neurontune
from neurontune_core.workspace.names import new_timed_folder
from neurontune_core.workspace.project import Project, Run
from neurontune_core.workspace.workspace import Workspace
from tests.support.projects import CORE, write_project

CONFIG = TuneConfig(epochs=2, batches=5, threshold=0.25, rounds="once")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path / "home")
    write_project(found.new_folder("birds"))
    return found


def save_run(project: Project) -> Run:
    sets = {role: project.load_set(role) for role in ("identification", "tuning")}
    tuned = neurontune(project.load_head(), *sets.values(), CONFIG)
    off = neurontune(project.load_head(), *sets.values(), TuneConfig(epochs=2, batches=5, masking=False))
    return project.save_run(tuned, off, "train")


def test_the_example_stands_first_and_a_name_is_taken_only_once(workspace: Workspace) -> None:
    assert workspace.names() == ["example", "headlines", "birds"]
    for taken in ("example", "birds"):
        with pytest.raises(InputError, match="already"):
            workspace.new_folder(taken)


@pytest.mark.parametrize("name", ["", "..", "a/b", "../out", ".hidden", "a\0b", "x" * 65, "/etc"])
def test_a_name_never_leads_out_of_the_workspace(workspace: Workspace, name: str) -> None:
    for use in (workspace.open, workspace.new_folder, workspace.open("birds").run):
        with pytest.raises(InputError, match="cannot be a name"):
            use(name)


def test_a_run_comes_back_as_it_was_saved(workspace: Workspace) -> None:
    project = workspace.open("birds")
    project.journal.judge([CORE], "core")
    saved = save_run(project)
    again = workspace.open("birds").runs()
    assert [run.id for run in again] == [saved.id]
    run = again[0]
    assert run.config == CONFIG
    assert (run.tuning, run.halves, len(run.history), len(run.off_history)) == ("train", False, 2, 2)
    assert run.mask.verdicts == {CORE: "core"}
    assert 0 < run.mask.num_biased < run.mask.num_neurons
    np.testing.assert_array_equal((run.head.weight == 0).all(axis=0), run.mask.biased)
    assert not (run.off_head.weight == 0).all(axis=0).any()


def test_two_runs_in_one_second_are_two_runs_the_newest_first(workspace: Workspace) -> None:
    project = workspace.open("birds")
    first, second = save_run(project), save_run(project)
    assert first.id != second.id
    assert [run.id for run in project.runs()] == [second.id, first.id]


def test_a_run_that_was_cut_off_or_damaged_is_left_out_and_the_others_stay(workspace: Workspace) -> None:
    project = workspace.open("birds")
    whole, damaged = save_run(project), save_run(project)
    (damaged.folder / "run.json").write_text('{"config": {"no such setting": 1}}')
    (project.folder / "runs" / "20200101-000000").mkdir()
    assert [run.id for run in project.runs()] == [whole.id]
    with pytest.raises(InputError, match="not a whole run"):
        project.run(damaged.id)


def test_what_a_person_does_with_the_example_never_goes_into_the_package(workspace: Workspace) -> None:
    example = workspace.open("example")
    example.journal.judge([0], "core")
    assert example.folder.is_relative_to(workspace.root)
    assert not example.source.is_relative_to(workspace.root)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other/1"}, "is not a project"),
        ({"roles": {"identification": "val"}}, "not a whole project"),
        ({"roles": {"identification": "val", "tuning": "train", "evaluation": "elsewhere"}}, "not a whole project"),
        ({"roles": {"identification": ["val"], "tuning": "train", "evaluation": "test"}}, "not a whole project"),
        ({"embeddings": {"val": 3}}, "not a whole project"),
        ({"embeddings": None}, "not a whole project"),
    ],
)
def test_a_damaged_project_is_named_in_one_sentence(workspace: Workspace, change: dict, sentence: str) -> None:
    file = workspace.open("birds").source / "project.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InputError, match=sentence):
        workspace.open("birds")


def test_a_project_without_a_head_says_why_and_what_to_do(workspace: Workspace) -> None:
    file = workspace.open("birds").source / "project.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"head": None}))
    with pytest.raises(InputError, match="has no head"):
        workspace.open("birds").load_head()


def test_sessions_that_save_at_the_same_moment_get_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as sessions:
        folders = list(sessions.map(lambda _: new_timed_folder(tmp_path / "runs", at=0.0), range(64)))
    assert len({folder.name for folder in folders}) == 64
    assert all(folder.is_dir() for folder in folders)
