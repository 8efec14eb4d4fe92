"""The verb export on the heads of a project: each by its name, measured as the files have it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neurontune_core import TuneConfig
from neurontune_core.session.background_run import BackgroundAdvice, BackgroundRun
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import Workspace
from tests.support.cli import ask, call, complaint
from tests.support.projects import CORE, NEURONS, SHORTCUT, write_project

HEADS = ["trained", "mask", "retrained", "masking-off", "advised"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project with two verdicts, a retraining and its advice."""
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path / "home"))
    write_project(Workspace().new_folder("birds"))
    project = Workspace().open("birds")
    project.journal.judge([CORE], "core")
    project.journal.judge([5], "spurious")
    live = BackgroundRun(Diagnosis(project), TuneConfig(epochs=2, batches=5), "train")
    live.wait(60)
    assert live.run is not None
    BackgroundAdvice(Diagnosis(project), live.run).wait(120)
    return project


@pytest.mark.parametrize("head", HEADS)
def test_every_head_of_a_project_is_exported_by_its_name(project: Project, tmp_path: Path, head: str) -> None:
    answer = ask("export", "--project", project.folder, "--head", head, "--out", tmp_path / "out")
    assert list(answer) == ["head", "num_neurons", "num_masked", "files", "checks"]
    assert (answer["head"], answer["num_neurons"]) == (head, NEURONS)
    assert list(answer["files"]) == list(answer["checks"])
    mask = json.loads(Path(answer["files"]["mask.json"]).read_text())
    assert len(mask["biased"]) == answer["num_masked"]
    assert mask["verdicts"] == {str(CORE): "core", "5": "spurious"}
    assert (5 in mask["biased"]) == (head != "trained")
    assert CORE not in mask["biased"]
    layer, test = torch.nn.Linear(NEURONS, 2), project.load_set("test")
    layer.load_state_dict(load_file(answer["files"]["head.safetensors"]))
    right = layer(torch.from_numpy(np.array(test.embeddings))).argmax(dim=1).numpy() == test.labels
    card = Path(answer["files"]["MODEL_CARD.md"]).read_text()
    line = next(line for line in card.splitlines() if line.startswith("| **Average**"))
    assert line.split("|")[-2].split()[0] == f"{100 * right.mean():.1f}"


def test_the_mask_alone_needs_no_run_and_takes_lambda_from_the_screen_or_the_command(tmp_path: Path) -> None:
    write_project(tmp_path / "birds")
    project = Project.at(tmp_path / "birds")
    export = ("export", "--project", project.folder, "--head", "mask", "--out", tmp_path / "out")
    masked = {}
    for name, options in (("default", ()), ("given", ("--threshold", 0.3, "--mask-value", 0.5))):
        ask(*export, *options)
        masked[name] = json.loads((tmp_path / "out" / "mask.json").read_text())
    assert (masked["default"]["threshold"], masked["default"]["mask_value"]) == (0.0, 0.0)
    assert (masked["given"]["threshold"], masked["given"]["mask_value"]) == (0.3, 0.5)
    assert len(masked["default"]["biased"]) > len(masked["given"]["biased"]) > 0
    project.journal.move("threshold", 0.0, 0.3)
    project.journal.move("mask_value", 0.0, 0.5)
    ask(*export)
    assert json.loads((tmp_path / "out" / "mask.json").read_text()) == masked["given"]


def test_the_mask_alone_of_stable_neurons_is_made_from_the_screen_or_the_command(tmp_path: Path) -> None:
    write_project(tmp_path / "birds")
    project = Project.at(tmp_path / "birds")
    export = ("export", "--project", project.folder, "--head", "mask", "--out", tmp_path / "out")
    everything = ask(*export)["num_masked"]
    stable = ask(*export, "--stability", 2)["num_masked"]
    assert 0 < stable < everything
    project.journal.move("stability", 0.0, 2.0)
    assert ask(*export)["num_masked"] == stable
    assert ask(*export, "--stability", 0)["num_masked"] == everything
    assert "--stability is -1; give 0 (no margin) to 100" in complaint(*export, "--stability", -1)


def test_a_built_in_or_own_project_is_named_as_on_screen(project: Project, tmp_path: Path) -> None:
    by_name = ask("export", "--project", "birds", "--head", "masking-off", "--out", tmp_path / "out")
    assert by_name["num_masked"] == 1


def test_what_a_head_does_not_hold_is_a_note(project: Project, tmp_path: Path) -> None:
    project.journal.judge([7], "spurious")
    result = call("export", "--project", "birds", "--head", "masking-off", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "Note: Neuron 7 was judged spurious after the retraining" in result.stderr
    assert "No masking head, 2 of 12 neurons masked." in result.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--head", "mask", "--mask-value", 2), "--mask-value is 2, but masked activations are multiplied by 0 to 1."),
        (("--head", "mask", "--threshold", 1e6), "5"),  # judged spurious, so there is something to mask
        (("--head", "mask", "--run", "x"), "--head mask needs no retraining; leave out --run."),
        (("--head", "retrained", "--threshold", 1), "--head retrained has a mask of its own; leave out --threshold."),
        (("--head", "retrained", "--run", "gone"), "run.json"),
        (("--head", "retrained", "--erm", "x"), "--head retrained comes from the project; leave out --erm."),
        (("--head", "best"), "Give --mask, the mask.json that tune wrote; or --head trained, mask"),
    ],
)
def test_wrong_options_are_a_sentence(project: Project, tmp_path: Path, options: tuple, sentence: str) -> None:
    words = ("export", "--project", "birds", *options, "--out", tmp_path / "out")
    if sentence == "5":
        assert ask(*words)["num_masked"] == 1
    else:
        assert sentence in complaint(*words)
        assert not (tmp_path / "out").exists()


def test_a_head_by_name_needs_a_project_and_a_retraining(tmp_path: Path) -> None:
    assert "Give --project" in complaint("export", "--head", "mask", "--out", tmp_path / "out")
    write_project(tmp_path / "birds")
    sentence = complaint("export", "--project", tmp_path / "birds", "--head", "retrained", "--out", tmp_path / "out")
    assert "nothing is retrained in this project" in sentence
    Project.at(tmp_path / "birds").journal.judge([SHORTCUT], "core")
    nothing = complaint(
        "export", "--project", tmp_path / "birds", "--head", "mask", "--threshold", 99, "--out", tmp_path / "out"
    )
    assert nothing.startswith("No neuron is masked (λ 99, none judged spurious)")
