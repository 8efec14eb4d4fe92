"""Outlines drawn on a map: the points within them, and a short text of them for the URL.

A selection has plotly's form: ``lasso`` and ``box``, each a list of ``{"x": [...], "y": [...]}``, the corners in the
map's units; a box has two opposite corners.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

Selection = Mapping[str, Any]

_MOST_CORNERS = 40
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?"
_SHAPE = re.compile(rf"(lasso|box)((?:_{_NUMBER})+)")


def rows_within(places: np.ndarray, selection: Selection) -> np.ndarray:
    """Return the ascending rows of the points inside any lasso or box of a selection.

    Args:
        places: [N, 2] points of the map.
        selection: ``lasso`` and ``box``, each of which may be missing.

    >>> rows_within(np.array([[0, 0], [1, 1], [5, 5]]), {"box": [{"x": [0.5, 6], "y": [0.5, 6]}]}).tolist()
    [1, 2]
    """
    inside = np.zeros(len(places), dtype=bool)
    for outline in selection.get("lasso") or ():
        inside |= within_polygon(places, outline["x"], outline["y"])
    for box in selection.get("box") or ():
        low, high = (np.array([end(box["x"]), end(box["y"])]) for end in (min, max))
        inside |= ((places >= low) & (places <= high)).all(axis=1)
    return np.flatnonzero(inside)


def within_polygon(places: np.ndarray, x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    """Return [N] bool, the points inside a polygon: an odd number of edges lies to their right (even-odd rule).

    Args:
        places: [N, 2] points of the map.
        x, y: the corners; fewer than three hold nothing.

    >>> within_polygon(np.array([[1.0, 1.0], [3.0, 1.0]]), [0, 2, 2, 0], [0, 0, 2, 2]).tolist()
    [True, False]
    """
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


def as_text(selection: Selection) -> str:
    """Write a selection as text: the corners x_y of each outline, rounded to four digits, at most 40 per lasso.

    >>> as_text({"lasso": [{"x": [0.1, 1, 1], "y": [2, 2, 3]}], "box": [{"x": [0, 2], "y": [0, 1.5]}]})
    'lasso_0.1_2_1_2_1_3~box_0_0_2_1.5'
    """
    shapes = []
    for kind in ("lasso", "box"):
        for outline in selection.get(kind) or ():
            corners = _simplified(np.column_stack([outline["x"], outline["y"]]).astype(np.float64))
            shapes.append("_".join([kind, *(f"{number:.4g}" for number in corners.ravel())]))
    return "~".join(shapes)


def from_text(text: str) -> dict[str, list[dict[str, list[float]]]]:
    """Read a selection from text; what is not an outline is left out, because a URL may be cut or mistyped.

    >>> from_text("box_0_0_2_1.5~lasso_1")
    {'lasso': [], 'box': [{'x': [0.0, 2.0], 'y': [0.0, 1.5]}]}
    """
    selection: dict[str, list[dict[str, list[float]]]] = {"lasso": [], "box": []}
    for shape in text.split("~"):
        if match := _SHAPE.fullmatch(shape):
            kind, numbers = match[1], [float(number) for number in match[2].split("_")[1:]]
            x, y = numbers[::2], numbers[1::2]
            enough = len(x) == 2 if kind == "box" else 3 <= len(x) <= _MOST_CORNERS
            if enough and len(x) == len(y) and all(map(isfinite, numbers)):
                selection[kind].append({"x": x, "y": y})
    return selection


def _simplified(corners: np.ndarray) -> np.ndarray:
    """Remove the corners whose triangle with both neighbors is smallest, until few enough are left (Visvalingam)."""
    while len(corners) > _MOST_CORNERS:
        before, after = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
        areas = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
        corners = np.delete(corners, areas.argmin(), axis=0)
    return corners
