"""Projects, runs and verdicts on disk."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import InputError, TuneConfig, neurontune
from neurontune_core.workspace.names import new_timed_folder
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, Workspace
from tests.support.projects import CORE, write_project

SPLITS = ("train", "val", "test")
CONFIG = TuneConfig(epochs=2, batches=5, threshold=0.25, rounds="once")
PARTIAL = replace(CONFIG, mask_value=0.5)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "home")
    write_project(workspace.new_folder("birds"))
    return workspace


def save_run(project: Project, config: TuneConfig = CONFIG) -> Run:
    sets = {role: project.load_set(role) for role in ("identification", "tuning")}
    tuned = neurontune(project.load_head(), *sets.values(), config)
    off = neurontune(project.load_head(), *sets.values(), TuneConfig(epochs=2, batches=5, masking=False))
    return project.save_run(tuned, off, "train", project.journal.verdicts())


def test_the_examples_stand_first_and_a_name_is_taken_only_once(workspace: Workspace) -> None:
    assert workspace.names() == ["faces", "faces-biased", "reviews", "birds"]
    for taken in ("faces", "faces-biased", "birds"):
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
    with pytest.raises(InputError, match="not a complete run"):
        project.run(damaged.id)


def test_the_first_example_is_the_default(workspace: Workspace) -> None:
    assert workspace.names()[0] == DEFAULT_EXAMPLE == "faces"


def test_the_two_projects_of_faces_differ_in_validation_alone_and_keep_what_a_person_does_apart(
    workspace: Workspace,
) -> None:
    faces, biased = workspace.open("faces"), workspace.open("faces-biased")
    sets = {project: {split: project.load_set(split).fingerprint for split in SPLITS} for project in (faces, biased)}
    assert [split for split in SPLITS if sets[faces][split] != sets[biased][split]] == ["val"]
    biased.journal.judge([3], "core")
    run = save_run(biased)
    assert faces.journal.verdicts() == {}
    assert faces.runs() == []
    assert [each.id for each in biased.runs()] == [run.id]
    assert faces.umap_file(faces.load_set("test")) != biased.umap_file(biased.load_set("test"))
    assert faces.cache != biased.cache


def test_what_a_person_does_with_the_example_never_goes_into_the_package(workspace: Workspace) -> None:
    example = workspace.open("faces")
    example.journal.judge([0], "core")
    assert example.folder.is_relative_to(workspace.root)
    assert not example.source.is_relative_to(workspace.root)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other/1"}, "is not a project"),
        ({"roles": {"identification": "val"}}, "not a complete project"),
        ({"roles": {"identification": "val", "tuning": "train", "evaluation": "elsewhere"}}, "not a complete project"),
        ({"roles": {"identification": ["val"], "tuning": "train", "evaluation": "test"}}, "not a complete project"),
        ({"embeddings": {"val": 3}}, "not a complete project"),
        ({"embeddings": None}, "not a complete project"),
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


@pytest.mark.parametrize(
    ("suggestion", "name"),
    [
        ("faces", "faces-2"),
        ("faces-biased", "faces-biased-2"),
        ("reviews", "reviews-2"),
        ("Faces", "Faces-2"),
        ("birds", "birds-2"),
        ("BIRDS", "BIRDS-2"),
        ("my birds!", "my-birds"),
        ("..", "project"),
        ("鳥", "project"),
        ("nul", "nul-2"),
        ("x" * 39 + "-y", "x" * 39),
    ],
)
def test_a_free_name_is_one_that_a_new_project_may_have(workspace: Workspace, suggestion: str, name: str) -> None:
    assert workspace.free_name(suggestion) == name
    assert workspace.new_folder(name).name == name


def test_a_free_name_is_no_folder_of_an_unfinished_project_either(workspace: Workspace) -> None:
    (workspace.root / "projects" / "Half").mkdir()
    assert workspace.free_name("half") == "half-2"
    assert workspace.new_folder("Half").name == "Half"  # where its extraction resumes


@pytest.mark.parametrize("taken", ["faces", "reviews", "Reviews", "FACES-BIASED", "birds", "Birds", "fish", "Fish"])
def test_names_that_differ_by_case_alone_are_one_name(workspace: Workspace, taken: str) -> None:
    write_project(workspace.new_folder("Fish"))
    with pytest.raises(InputError, match=f'There is a project "{taken}" already'):
        workspace.new_folder(taken)


@pytest.mark.parametrize("name", ["birds.", "a..", "con", "NUL.txt", "com1"])
def test_a_new_name_is_one_for_every_system(workspace: Workspace, name: str) -> None:
    for new in (workspace.new_folder, workspace.new_training):
        with pytest.raises(InputError, match="cannot be the name of a folder on every system"):
            new(name)


def test_a_training_is_named_once(workspace: Workspace) -> None:
    workspace.new_training("birds").mkdir(parents=True)
    for taken in ("birds", "Birds"):
        with pytest.raises(InputError, match=f'There is a training "{taken}" already'):
            workspace.new_training(taken)


def test_every_head_and_set_has_a_bundle_folder_of_its_own_inside_the_project(workspace: Workspace) -> None:
    project = workspace.open("birds")
    head, test = project.load_head(), project.load_set("test")
    other = replace(head, bias=head.bias + 1)
    sets = [test, project.load_set("val"), test.take(np.arange(9))]
    folders = [project.export_folder("mask", each, samples) for samples in sets for each in (head, other)]
    assert len(set(folders)) == len(folders)
    assert all(folder.resolve().parent == project.folder.resolve() / "exports" for folder in folders)
    assert project.export_folder("mask", head, project.load_set("test")) == folders[0]
    with pytest.raises(InputError, match="cannot be a name"):
        project.export_folder("../mask", head, test)


def test_the_copy_of_an_advised_head_that_earlier_versions_saved_as_a_run_is_left_out(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = save_run(project)
    shutil.copytree(run.folder, run.folder.with_name(f"{run.id}-advised"))
    assert [saved.id for saved in project.runs()] == [run.id]
