"""The map of samples, correct and misclassified ones apart, with the outlines drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.figures.base import CORRECT, INCORRECT, make_figure, make_layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.evaluation.outlines import Selection

MOST_POINTS = 8_000  # more slow the browser down and cover each other
_MANY_POINTS = 3_000  # from here on points are small and carry their row instead of a name


def sample_map(
    places: np.ndarray,
    right: np.ndarray,
    names: Sequence[str],
    axes: tuple[str, str],
    *,
    most: int = MOST_POINTS,
    drawn: Selection | None = None,
    revision: int = 0,
) -> Figure:
    """Draw samples as points, correct and misclassified ones apart.

    Args:
        places: [N, 2].
        right: [N] bool, the correctly classified ones.
        names: [N] shown under the pointer; rows' numbers instead when there are thousands of points.
        axes: titles; empty ones for axes that mean nothing.
        most: points that are drawn, chosen at random; all samples within an outline count (`rows_within`).
        drawn: outlines to show on it.
        revision: a new number makes a figure on screen forget the outlines that were drawn on it since.

    >>> places, right = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([True, False])
    >>> [trace.name for trace in sample_map(places, right, ["a", "b"], ("", "")).data]
    ['correct (1)', 'misclassified (1)']
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(places))[:most])
    many = len(rows) > _MANY_POINTS
    traces = []
    for name, outcome, color, symbol in (
        ("correct", True, CORRECT, "circle"),
        ("misclassified", False, INCORRECT, "x"),
    ):
        shown = rows[right[rows] == outcome]
        traces.append(
            {
                "type": "scattergl",
                "x": places[shown, 0].astype(np.float32),
                "y": places[shown, 1].astype(np.float32),
                "mode": "markers",
                "marker": {
                    "size": 4 if many else 7,
                    "opacity": 0.6 if many else 0.75,
                    "color": color,
                    "symbol": symbol,
                },
                **_pointed_at(shown, None if many else names),
                "name": f"{name} ({int((right == outcome).sum())})",
            }
        )
    layout = make_layout(*axes, 460) | {"dragmode": "lasso", "selections": _selections(drawn or {})}
    layout["selectionrevision"] = revision
    layout["legend"] |= {"x": 0, "xanchor": "left"}  # Plotly's tools are on the right
    if not any(axes):
        for axis in ("xaxis", "yaxis"):
            layout[axis] |= {"showticklabels": False, "zeroline": False}
    return make_figure({"data": traces, "layout": layout})


def _selections(drawn: Selection) -> list[dict]:
    shapes: list[dict] = []
    for outline in drawn.get("lasso") or ():
        corners = "L".join(f"{x},{y}" for x, y in zip(outline["x"], outline["y"], strict=True))
        shapes.append({"type": "path", "path": f"M{corners}Z"})
    for outline in drawn.get("box") or ():
        (x0, x1), (y0, y1) = outline["x"], outline["y"]
        shapes.append({"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1})
    return [shape | {"xref": "x", "yref": "y"} for shape in shapes]


def _pointed_at(rows: np.ndarray, names: Sequence[str] | None) -> dict:
    """Return what the pointer shows: the name, or with many points the row, which costs less to send."""
    if names is None:
        return {"customdata": rows.astype(np.int32), "hovertemplate": "row %{customdata}<extra></extra>"}
    return {"text": [escape(str(names[row])) for row in rows], "hovertemplate": "%{text}<extra></extra>"}
