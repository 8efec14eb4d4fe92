"""The command that makes a head of the screens again."""

from __future__ import annotations

import shlex
from dataclasses import fields

from neurontune_core.cli.advise import SETTINGS
from neurontune_core.cli.options import flag
from neurontune_core.mask import CueMask
from neurontune_core.session.named_heads import NamedHead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run


def head_command(project: Project, named: NamedHead) -> str:
    """Return the command that makes a head: ``neurontune tune`` or ``advise``; ``export`` where nothing is retrained.

    Raises:
        InputError: when the project has no head or lacks a split.
    """
    if named.run is None:
        words = ["neurontune", "export", "--project", _name(project), "--head", named.key]
        if named.key == "mask":
            words += ["--threshold", repr(named.mask.threshold), "--mask-value", repr(named.mask.mask_value)]
            words += ["--stability", repr(float(named.mask.source.get("stability", 0.0))), *_cue(named.mask.cue)]
        return shlex.join([*words, "--out", "exported"])
    return shlex.join(_retraining(project, named.run, named))


def _retraining(project: Project, run: Run, named: NamedHead) -> list[str]:
    """Return the words of ``neurontune tune`` or ``advise`` with a run's sets, verdicts and every changed setting."""
    advised = named.key == "advised"
    words = ["neurontune", "advise" if advised else "tune"]
    words += ["--identification", str(project.set_folder("identification"))]
    halves = run.halves and not advised
    words += ["--halves"] if halves else ["--tuning", str(project.set_folder("tuning" if advised else run.tuning))]
    words += ["--head", str(project.head_file)]
    if run.mask.verdicts:
        words += ["--verdicts", str(run.folder / "mask.json")]
    if not advised and named.config.masking and (cue := _cue(run.mask.cue)):
        words += ["--project", _name(project), *cue]
    for setting in fields(TuneConfig):
        value = getattr(named.config, setting.name)
        if value == setting.default or (advised and setting.name not in SETTINGS):
            continue
        if isinstance(value, bool):
            on, off = flag(setting.name).split("/")
            words.append(on if value else off)
        else:
            words += [flag(setting.name), str(value)]
    return [*words, "--out", "tuned"]


def _name(project: Project) -> str:
    """Return what ``--project`` calls a project: its folder, or the name of a built-in example."""
    return str(project.source) if project.source == project.folder else project.folder.name


def _cue(cue: CueMask | None) -> list[str]:
    """Return the words that mask a cue; none without one."""
    if cue is None:
        return []
    return ["--cue", f"{cue.name}:{cue.threshold!r}", *(["--mask-by", "both"] if cue.source == "both" else [])]
