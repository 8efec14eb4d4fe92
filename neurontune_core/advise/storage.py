"""Advice on disk, beside the run that it is about: advice.json and the advised head."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.advise.rule import Advice
from neurontune_core.advise.sentences import CASES, brings, evidence, name, reasons, remarks, sentence, what
from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json

FILE, HEAD = "advice.json", "advised.safetensors"


@dataclass(frozen=True)
class KeptAdvice:
    """Advice as text, for a screen.

    Attributes:
        title: the case, in a few words.
        what: the recommended action; a clause.
        method: the name of the advised head.
        sentence: action and reasons in one sentence.
        reasons, remarks: clauses, and sentences.
        evidence: one row per candidate, as text.
        heads: the names of the candidates.
        worst_class: the worst-class accuracy to expect of each on unseen samples, in 0..1, with low and high of the
            95 % interval.
        chosen: the place of the advised candidate among them.
        masked: neurons that are masked in the advised head.
        brings: what the kinds of heads would bring; a clause, empty in advice of earlier versions.
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
    brings: str = ""


def save_advice(advice: Advice, folder: Path) -> None:
    """Write the head, then advice.json."""
    worst = [candidate.worst_class_on_unseen for candidate in advice.candidates.values()]
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
        worst_class=tuple((each.accuracy, each.low, each.high) for each in worst),
        chosen=list(advice.candidates).index(advice.chosen),
        brings=brings(advice),
        masked=tuple(np.flatnonzero(advice.candidate.masked).tolist()),
    )
    write_json(folder / FILE, asdict(kept))


def load_advice(folder: Path) -> KeptAdvice | None:
    """Read the advice of a folder; None when there is none, or none that can be read."""
    try:
        return KeptAdvice(**{name: _tuples(value) for name, value in read_json(folder / FILE).items()})
    except (InputError, TypeError, AttributeError):
        return None


def _tuples(value: Any) -> Any:
    """Turn the lists of JSON back into tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
