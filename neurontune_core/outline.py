"""Which points of a map lie within what was drawn on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def rows_within(places: np.ndarray, selection: Mapping[str, Any]) -> np.ndarray:
    """Ascending rows of the points inside any lasso or box that plotly says was drawn.

    By the outline and not by the points that plotly lists, because a large map shows only some of them.

    Args:
        places: [N, 2].
        selection: with ``lasso`` and ``box``, each a list of ``{"x": [...], "y": [...]}``: corners in the map's units.
    """
    inside = np.zeros(len(places), dtype=bool)
    for outline in selection.get("lasso") or ():
        inside |= within_polygon(places, outline["x"], outline["y"])
    for box in selection.get("box") or ():
        low, high = (np.array([end(box["x"]), end(box["y"])]) for end in (min, max))
        inside |= ((places >= low) & (places <= high)).all(axis=1)
    return np.flatnonzero(inside)


def within_polygon(places: np.ndarray, x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    """[N] bool: an odd number of edges lies to the right of the point (the even-odd rule)."""
    inside = np.zeros(len(places), dtype=bool)
    corners = np.column_stack([x, y]).astype(np.float64)
    if len(corners) < 3:
        return inside
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    px, py = places[near].T.astype(np.float64)
    odd = np.zeros(len(near), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > py) != (y1 > py)) & (px < x0 + (py - y0) * (x1 - x0) / (y1 - y0))
    inside[near] = odd
    return inside
