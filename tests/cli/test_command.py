"""The command that makes a head again names what is not the default, and nothing else."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurontune_core import TuneConfig
from neurontune_core.cli.command import head_command
from neurontune_core.mask import CueMask, Mask
from neurontune_core.workspace.project import Project
from tests.support.projects import write_project

ALWAYS = {"--identification", "--tuning", "--head", "--out"}


def options(
    folder: Path, config: TuneConfig, key: str = "retrained", verdicts: dict[int, str] | None = None
) -> tuple[str, dict[str, str]]:
    """Return the verb of the command, and the word behind each option."""
    run: Any = SimpleNamespace(
        config=config, halves=False, tuning="train", folder=folder / "run",
        mask=Mask(np.zeros(12, dtype=bool), 0.0, 0.0, verdicts or {}),
    )  # fmt: skip
    named: Any = SimpleNamespace(key=key, run=run, config=config)
    words = shlex.split(head_command(Project.at(folder), named))
    assert words[0] == "neurontune"
    behind = dict(zip(words, [*words[1:], ""], strict=True))
    return words[1], {word: behind[word] for word in words if word.startswith("--")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_project(tmp_path / "a project")
    return tmp_path / "a project"


def test_defaults_are_left_out(folder: Path) -> None:
    verb, values = options(folder, TuneConfig())
    assert (verb, set(values)) == ("tune", ALWAYS)
    assert values["--out"] == "tuned"
    assert [Path(values[name]).exists() for name in ("--identification", "--tuning", "--head")] == [True] * 3


def test_what_is_not_the_default_is_named_and_switches_by_their_words(folder: Path) -> None:
    _, values = options(folder, TuneConfig(epochs=7, learning_rate=0.5, masking=False, magnitude=False))
    assert set(values) == ALWAYS | {"--epochs", "--lr", "--no-mask", "--signed"}
    assert (values["--epochs"], values["--lr"]) == ("7", "0.5")


def test_for_an_advised_head_the_adviser_is_asked_again_and_decides_what_it_decided(folder: Path) -> None:
    config = TuneConfig(epochs=7, masking=False, select="last", average_epochs=3)
    verb, values = options(folder, config, key="advised")
    assert (verb, set(values)) == ("advise", ALWAYS | {"--epochs"})


def test_verdicts_come_from_the_masks_file_of_the_run(folder: Path) -> None:
    _, values = options(folder, TuneConfig(), verdicts={3: "spurious"})
    assert set(values) == ALWAYS | {"--verdicts"}
    assert values["--verdicts"] == str(folder / "run" / "mask.json")


@pytest.mark.parametrize(("source", "errors"), [({}, "0.0"), ({"stability": 2.0}, "2.0")])
def test_a_head_that_was_not_retrained_is_exported_again(folder: Path, source: dict[str, float], errors: str) -> None:
    mask = Mask(np.zeros(12, dtype=bool), 0.1 + 0.2, 0.5, source=source)
    named: Any = SimpleNamespace(key="mask", run=None, mask=mask)
    words = shlex.split(head_command(Project.at(folder), named))
    assert words[:6] == ["neurontune", "export", "--project", str(folder), "--head", "mask"]
    rule = ["--threshold", "0.30000000000000004", "--mask-value", "0.5", "--stability", errors]
    assert words[6:] == [*rule, "--out", "exported"]


def test_a_masked_cue_is_named_with_its_effect_and_its_project(folder: Path) -> None:
    cue = CueMask("tag", np.ones(12, dtype=np.float32), 0.1 + 0.2, "both")
    mask = Mask(np.ones(12, dtype=bool), 0.0, 0.0, cue=cue)
    named: Any = SimpleNamespace(key="mask", run=None, mask=mask)
    words = shlex.split(head_command(Project.at(folder), named))
    assert words[words.index("--cue") + 1 :][:3] == ["tag:0.30000000000000004", "--mask-by", "both"]
    run: Any = SimpleNamespace(config=TuneConfig(), halves=False, tuning="train", folder=folder / "run", mask=mask)
    retrained: Any = SimpleNamespace(key="retrained", run=run, config=run.config)
    words = shlex.split(head_command(Project.at(folder), retrained))
    assert words[words.index("--project") :][:4] == ["--project", str(folder), "--cue", "tag:0.30000000000000004"]
    off: Any = SimpleNamespace(key="masking-off", run=run, config=TuneConfig(masking=False))
    assert "--cue" not in head_command(Project.at(folder), off)
