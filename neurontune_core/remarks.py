"""Remark: what reading a person's files took for granted, folded or left out, and how to choose otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Remark:
    """One thing that was assumed or left out.

    Attributes:
        sentence: what, with its count.
        level: a "warning" may spoil the result; a "note" informs.
        fix: how to choose otherwise; empty where there is nothing to choose.
        flags: the same on the command line.
        about: what it concerns, as findings name it.
    """

    sentence: str
    level: Literal["note", "warning"] = "note"
    fix: str = ""
    flags: str = ""
    about: Literal["data", "labels", "model", "preprocessing"] = "data"

    def to_json(self) -> dict[str, str]:
        """Return the remark as a spec keeps it."""
        return asdict(self)


def remarks_of(spec: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Return the remarks that a spec carries under ``remarks``, as its guess noted them.

    >>> remarks_of({"remarks": [Remark("Two files were passed over.").to_json()]})[0].sentence
    'Two files were passed over.'
    """
    return tuple(Remark(**stored) for stored in spec.get("remarks") or ())


def note_in(spec: dict[str, Any], remarks: Iterable[Remark]) -> None:
    """Add remarks to a spec, so that whoever opens it hears of them.

    >>> spec = {"format": "image_folder"}
    >>> note_in(spec, [Remark("Two files were passed over.")])
    >>> len(remarks_of(spec))
    1
    """
    stored = [remark.to_json() for remark in remarks]
    if stored:
        spec["remarks"] = [*spec.get("remarks", []), *stored]
