"""Places in a list as a short text for an address: "0-9,12" for the first ten and the thirteenth."""

from __future__ import annotations

import re
from collections.abc import Iterable


def as_text(places: Iterable[int]) -> str:
    """Runs of neighbours, ascending; the empty text for none."""
    runs: list[list[int]] = []
    for place in sorted(set(places)):
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def from_text(text: str, count: int) -> list[int]:
    """The places that a text names in a list of ``count``, ascending; what lies outside is left out:
    an address may be old."""
    found: set[int] = set()
    for run in re.finditer(r"(?:^|,)(\d{1,9})(?:-(\d{1,9}))?(?=,|$)", text):
        first, last = int(run[1]), int(run[2] or run[1])
        found.update(range(min(first, count), min(last + 1, count)))
    return sorted(found)
