"""Advice on disk, beside the run that it was asked for: advice.json and the advised head."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from neurontune_core.advise.rule import Advice
from neurontune_core.advise.sentences import CASES, evidence, name, reasons, remarks, sentence, what
from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json

FILE, HEAD = "advice.json", "advised.safetensors"


@dataclass(frozen=True)
class KeptAdvice:
    """What a screen says about an advice.

    Attributes:
        title: the case, in a few words.
        what: what to do.
        method: what the advised head is called.
        sentence: all of it in one.
        reasons, remarks: clauses, and sentences.
        evidence: one row a candidate, as text.
        heads: what the candidates are called.
        worst_class: their worst-class accuracies on unseen samples, in 0..1, with low and high of the 95 % interval.
        chosen: the place of the advised one among them.
        masked: neurons that are masked in the advised head.
    """

    title: str
    what: str
    method: str
    sentence: str
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    evidence: tuple[dict[str, str], ...]
    heads: tuple[str, ...]
    worst_class: tuple[tuple[float, float, float], ...]
    chosen: int
    masked: tuple[int, ...]


def save_advice(advice: Advice, folder: Path) -> None:
    """Write the head, then advice.json."""
    worst = [each.evaluation.worst_class for each in advice.candidates.values()]
    advice.head.save(folder / HEAD)
    kept = KeptAdvice(
        title=CASES[advice.case],
        what=what(advice),
        method=name(advice, advice.chosen),
        sentence=sentence(advice),
        reasons=tuple(reasons(advice)),
        remarks=tuple(remarks(advice)),
        evidence=tuple(evidence(advice)),
        heads=tuple(name(advice, key) for key in advice.candidates),
        worst_class=tuple((part.correct / part.n, *part.interval) for part in worst),
        chosen=list(advice.candidates).index(advice.chosen),
        masked=tuple(np.flatnonzero(advice.candidate.masked).tolist()),
    )
    write_json(folder / FILE, asdict(kept))


def load_advice(folder: Path) -> KeptAdvice | None:
    """The advice that lies there; None when there is none, or none that can be read."""
    try:
        return KeptAdvice(**read_json(folder / FILE))
    except (InputError, TypeError):
        return None
