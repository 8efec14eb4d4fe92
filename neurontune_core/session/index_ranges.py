"""Indices on their way to a browser: packed as binary, or as ranges of text that fit into a URL."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence

import numpy as np

Indices = Sequence[int] | np.ndarray


def pack_int32(numbers: Indices) -> str:
    """Return the numbers as Base64 of little-endian int32, which is much faster than JSON to write and to read.

    >>> pack_int32([1, 2])
    'AQAAAAIAAAA='
    """
    return base64.b64encode(np.asarray(numbers, dtype="<i4").tobytes()).decode("ascii")


def positions_of(chosen: Iterable[int], numbers: Indices) -> list[int]:
    """Return the ascending positions in ``numbers`` of those that are chosen.

    >>> positions_of([9, 4, 5], [7, 5, 9])
    [1, 2]
    """
    requested = np.fromiter(chosen, dtype=np.int64)
    return np.flatnonzero(np.isin(np.asarray(numbers), requested)).tolist() if len(requested) else []


def format_ranges(positions: Iterable[int]) -> str:
    """Return positions from 0 as a short text, such as "0-9,12"; the empty text for none.

    >>> format_ranges([12, 0, 1, 2])
    '0-2,12'
    """
    ranges: list[list[int]] = []
    for position in sorted(set(positions)):
        if ranges and position == ranges[-1][1] + 1:
            ranges[-1][1] = position
        else:
            ranges.append([position, position])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)


def parse_ranges(text: str, count: int) -> list[int]:
    """Return the ascending positions that a text names in a list of ``count``.

    What lies outside or makes no sense is left out: a bookmarked URL may be old.

    >>> parse_ranges("0-2,12", count=10)
    [0, 1, 2]
    """
    positions: set[int] = set()
    for match in re.finditer(r"(?:^|,)(\d{1,9})(?:-(\d{1,9}))?(?=,|$)", text):
        first, last = int(match[1]), int(match[2] or match[1])
        positions.update(range(min(first, count), min(last + 1, count)))
    return sorted(positions)
