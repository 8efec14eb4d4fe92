"""`neurontune train` and its job, from the command line to a project."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from neurontune_core.cli import app
from neurontune_core.cli.options import flag
from neurontune_core.training.config import PRESETS, TrainConfig, settings_of
from neurontune_core.training.history import read_history
from neurontune_core.workspace.project import Project
from tests.support.image_layouts import waterbirds
from tests.support.tiny_training import IMAGE_MODEL, bars

MODEL = ["--family", "cifar_resnet", "--architecture", "resnet20", "--weights", "random", "--image-size", "24"]
SHORT = ["--epochs", "1", "--batch-size", "8", "--augment", "none"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def notes(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model.json").read_text())


def test_data_becomes_a_model_and_the_model_a_project(tmp_path: Path) -> None:
    bars(tmp_path / "data", ("train",), each=10)
    out = tmp_path / "out"
    result = run("train", tmp_path / "data", "--out", out, *MODEL, *SHORT, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    kept = read_history(out).kept
    assert kept is not None
    assert (answer["epoch"], answer["accuracy"], answer["preset"]) == (1, kept.accuracy, "images")
    assert "held out: 4 for val" in result.stderr
    result = run("extract", "--weights", out, "--out", tmp_path / "project")
    assert result.exit_code == 0, result.stderr
    project = Project.at(tmp_path / "project")
    assert project.load_set("identification").num_samples == 4
    assert project.load_head().class_names == ("lies", "stands")


def test_flags_come_before_the_preset_and_the_preset_is_the_data_sets_own(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    waterbirds(tmp_path / "data")
    result = run("train", tmp_path / "data", "--out", tmp_path / "out", *MODEL, *SHORT, "--lr", "0.5")
    assert result.exit_code == 0, result.stderr
    settings = settings_of("images", notes(tmp_path / "out")["settings"])
    assert notes(tmp_path / "out")["preset"] == "waterbirds"
    assert (settings.epochs, settings.learning_rate, settings.batch_size) == (1, 0.5, 8)
    own = PRESETS["waterbirds"]
    assert (settings.weight_decay, settings.schedule, settings.crop_scale) == (
        own.weight_decay,
        own.schedule,
        own.crop_scale,
    )


def test_a_file_names_data_and_model_and_flags_come_before_it(tmp_path: Path) -> None:
    bars(tmp_path / "data")
    content = {
        "dataset": {"format": "image_folder", "root": "data"},
        "model": IMAGE_MODEL,
        "settings": {"epochs": 7, "batch_size": 8, "augment": "none", "milestones": [3]},
    }
    (tmp_path / "train.json").write_text(json.dumps(content))
    result = run("train", tmp_path / "train.json", "--out", tmp_path / "out", "--epochs", "1", "--milestone", "2")
    assert result.exit_code == 0, result.stderr
    settings = notes(tmp_path / "out")["settings"]
    assert (settings["epochs"], settings["batch_size"], settings["milestones"]) == (1, 8, [2])


def test_every_setting_has_a_flag_with_its_help() -> None:
    answer = " ".join(run("train", "--help").stdout.split())
    for setting in fields(TrainConfig):
        assert flag(setting.name).partition("/")[0] in answer
        assert setting.metadata["help"].split(";")[0] in answer.replace("- ", "-")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--preset", "birds"], 'There is no preset "birds"'),
        (["--epochs", "0"], "Expected epochs between 1"),
        (["--device", "abacus"], 'The device "abacus" is not on this machine'),
    ],
)
def test_bad_input_ends_with_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    bars(tmp_path / "data", each=2)
    result = run("train", tmp_path / "data", "--out", tmp_path / "out", *MODEL, *arguments)
    assert result.exit_code == 2
    assert result.stderr.strip().splitlines()[-1].startswith(sentence)


def test_a_model_must_be_named(tmp_path: Path) -> None:
    bars(tmp_path / "data", each=2)
    result = run("train", tmp_path / "data", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "Give --family, --weights" in result.stderr


def test_a_file_without_data_says_so(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text("{}")
    result = run("train", tmp_path / "train.json", "--out", tmp_path / "out", *MODEL)
    assert result.exit_code == 2
    assert 'has no "dataset"' in result.stderr


def test_ctrl_c_is_a_sentence_and_the_epochs_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars(tmp_path / "data")
    words = ["train", tmp_path / "data", "--out", tmp_path / "out", *MODEL, "--epochs", "2", "--batch-size", "8"]

    def interrupt(*, message: str, **_: object) -> None:
        if message.startswith("epoch 2"):
            raise KeyboardInterrupt

    monkeypatch.setattr("neurontune_core.cli.train.job_progress", interrupt)
    result = run(*words)
    assert result.exit_code == 130
    assert "Stopped; the same command resumes it." in result.stderr
    monkeypatch.undo()
    assert len(read_history(tmp_path / "out").epochs) == 1
    result = run(*words, "--json")
    assert json.loads(result.stdout)["epochs"] == 2


def test_unknown_settings_of_a_job_are_named() -> None:
    from neurontune_core.errors import InputError

    with pytest.raises(InputError, match='no setting "depth"'):
        settings_of("images", {"depth": 3})
