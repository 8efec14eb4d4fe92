"""The command that repeats a run of the screens."""

from __future__ import annotations

import shlex
from dataclasses import fields

from neurontune_core.cli.advise import SETTINGS
from neurontune_core.cli.options import flag
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run


def tune_command(project: Project, run: Run, out: str = "tuned") -> str:
    """Return ``neurontune tune ...`` with a run's sets, verdicts and every setting that is not the default.

    For an advised head it is ``neurontune advise ...``.

    Raises:
        InputError: when the project has no head or lacks a split.
    """
    words = ["neurontune", "advise" if run.advised else "tune"]
    words += ["--identification", str(project.set_folder("identification"))]
    halves = run.halves and not run.advised
    words += ["--halves"] if halves else ["--tuning", str(project.set_folder("tuning" if run.advised else run.tuning))]
    words += ["--head", str(project.head_file)]
    if run.mask.verdicts:
        words += ["--verdicts", str(run.folder / "mask.json")]
    for setting in fields(TuneConfig):
        value = getattr(run.config, setting.name)
        if value == setting.default or (run.advised and setting.name not in SETTINGS):
            continue
        if isinstance(value, bool):
            on, off = flag(setting.name).split("/")
            words.append(on if value else off)
        else:
            words += [flag(setting.name), str(value)]
    return shlex.join([*words, "--out", out])
