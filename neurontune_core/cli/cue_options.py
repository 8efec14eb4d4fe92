"""Options on cues that several verbs share: which cue is masked, and from which effect on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from neurontune_core.cli.project_options import open_project
from neurontune_core.errors import InputError
from neurontune_core.mask import CueMask

if TYPE_CHECKING:
    from neurontune_core.cues.cue_mask import Offer
    from neurontune_core.cues.measurement import CueMeasurement
    from neurontune_core.head import LinearHead
    from neurontune_core.session.diagnosis import Diagnosis

CueName = Annotated[
    str | None,
    typer.Option(
        "--cue",
        metavar="NAME[:EFFECT]",
        help="Mask the neurons that a cue of the project moves by more than EFFECT standard deviations (by default the "
        "threshold that neurontune cue offers). This is your knowledge; the paper's method does not use it.",
    ),
]
MaskBy = Annotated[
    Literal["cue", "both"],
    typer.Option("--mask-by", help="With --cue: mask by the cue alone, or by score and cue."),
]


def offered(measured: CueMeasurement, head: LinearHead) -> Offer | None:
    """Return the threshold that is offered for a cue; None where there are too few samples to choose it by."""
    from neurontune_core.cues.cue_mask import offer

    try:
        return offer(measured, head)
    except InputError:
        return None


def cue_mask(diagnosis: Diagnosis, cue: str, source: Literal["cue", "both"]) -> CueMask:
    """Return the mask of ``--cue NAME[:EFFECT]``.

    Raises:
        InputError: when there is no such cue, it was not measured, or the effect is no number.
    """
    from neurontune_core.cues.cue_mask import DEFAULT_EFFECT

    name, _, effect = cue.partition(":")
    diagnosis.project.cues.load(name)  # raises where there is none
    measured = diagnosis.measured_cue(name)
    if measured is None:
        raise InputError(f'The cue "{name}" was not measured on the vectors of now; run neurontune cue --name {name}.')
    if not effect:
        best = offered(measured, diagnosis.erm)
        return measured.mask(DEFAULT_EFFECT if best is None else best.threshold, source)
    try:
        threshold = float(effect)
    except ValueError:
        raise InputError(
            f'--cue has the effect "{effect}"; write a number of standard deviations, as in {name}:0.3.'
        ) from None
    return measured.mask(threshold, source)


def cue_mask_for(project: Path | None, cue: str | None, source: Literal["cue", "both"]) -> CueMask | None:
    """Return the mask of ``--cue`` with the project of ``--project``; None without a cue.

    Raises:
        InputError: as `cue_mask`; when there is no project, or the source of the mask is set without a cue.
    """
    if cue is None:
        if source != "cue":
            raise InputError("--mask-by both needs a cue; give --cue NAME.")
        return None
    if project is None:
        raise InputError("--cue names a cue of a project; give --project.")
    from neurontune_core.session.diagnosis import Diagnosis

    return cue_mask(Diagnosis(open_project(project)), cue, source)
