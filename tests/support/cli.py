"""The command line called in this process: what it prints, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from neurontune_core.cli import app

N, M = 240, 12  # samples and neurons of the sets of `tests/cli`


def call(*arguments: object) -> Any:
    """Return a finished run of the command line; see its ``exit_code``, ``stdout`` and ``stderr``."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ask(*arguments: object) -> dict[str, Any]:
    """Return the one JSON object of a verb that succeeds."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def complaint(*arguments: object) -> str:
    """Return the sentence of a verb that refuses its input."""
    result = call(*arguments, "--json")
    assert result.exit_code == 2, (result.exit_code, result.stderr, result.exception)
    assert result.stdout == ""
    sentences = [line for line in result.stderr.splitlines() if line]
    assert len(sentences) == 1, result.stderr
    assert sentences[0].endswith(".")
    return sentences[0]


def tune(folder: Path, *more: object) -> list[object]:
    """Return the arguments of `tune` on the sets and the head in a folder."""
    return ["tune", "--identification", folder / "val", "--head", folder / "head.safetensors", "--out", folder / "out",
            *more]  # fmt: skip
