"""Figures of a comparison: average against worst group with the Pareto front, and accuracy by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.experiments.methods import Spread, Standing, pareto_front
from neurontune_core.figures.base import ACCENT, GREY, SERIES, _figure, _layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.experiments.published import Published

USES_GROUPS = "#7c5cbf"
_OTHERS = ("#4c78a8", "#b279a2", "#9d755d", "#54a24b", "#e45756", "#72b7b2", "#bab0ac", "#f58518")
_OWN = {"ERM": SERIES["ERM"], "Masking off": SERIES["masking off"], "NeuronTune": ACCENT}


def label(standing: Standing) -> str:
    """The method's name; one that uses group labels says so wherever it appears."""
    return standing.method.name + (" · uses groups" if standing.uses_groups else "")


def tradeoff(standings: Sequence[Standing], found: Sequence[Published] = ()) -> Figure:
    """Average against worst group (worst class without groups) in per cent, with standard deviations over seeds.

    A line joins the methods that no other measured one beats in both; published numbers are hollow and no part of it.
    """
    shown = [each for each in standings if each.worst and each.accuracy]
    spreads = [(each.accuracy, each.worst) for each in shown if each.accuracy and each.worst]
    points = np.array([[x.mean, y.mean] for x, y in spreads])
    front = pareto_front(points)
    traces = [_front(100 * points[front])]
    texts = [each.method.name if on or each.method.name in _OWN else "" for each, on in zip(shown, front, strict=True)]
    sides = _sides(points, np.array(texts) != "")
    for kind, uses, symbol in (("no group labels", False, "circle"), ("uses groups", True, "diamond")):
        rows = [row for row, each in enumerate(shown) if each.uses_groups == uses]
        rows.sort(key=lambda row: shown[row].method.name in _OWN)  # equal points hide each other, but not these
        if rows:
            colours = [_OWN.get(shown[row].method.name, USES_GROUPS if uses else "#4c78a8") for row in rows]
            traces.append(_points(kind, [spreads[row] for row in rows], [shown[row].method.name for row in rows],
                {"symbol": symbol, "size": 10, "color": colours},
                [texts[row] for row in rows], [sides[row] for row in rows]))  # fmt: skip
    printed = [each for each in found if each.worst_group is not None and each.accuracy is not None]
    if printed:
        pairs = [(Spread((each.accuracy or 0) / 100, 0), Spread((each.worst_group or 0) / 100, 0)) for each in printed]
        marker = {"symbol": "circle-open", "size": 10, "color": GREY, "line": {"width": 1.5}}
        traces.append(_points("published", pairs, [each.name for each in printed], marker))
    grouped = any(each.worst_group_accuracy for each in shown)
    layout = _layout("average accuracy, %", f"worst {'group' if grouped else 'class'}, %", 420)
    return _figure({"data": traces, "layout": layout})


def part_bars(standings: Sequence[Standing]) -> Figure:
    """Mean accuracy of every group (every class, without groups) under each method, standard deviation over seeds."""
    traces = []
    others = iter(_OTHERS * len(standings))
    for each in standings:
        parts = each.parts()
        name = label(each)
        traces.append(
            {
                "type": "bar",
                "x": list(parts),
                "y": [100 * part.mean for part in parts.values()],
                "error_y": {"array": [100 * part.sd for part in parts.values()], "width": 3},
                "name": name,
                "marker": {
                    "color": _OWN.get(each.method.name) or next(others),
                    "pattern": {"shape": "/" if each.uses_groups else "", "solidity": 0.3},
                },
                "hovertemplate": "%{y:.1f} %<extra>" + name + "</extra>",
            }
        )
    layout = _layout("", "accuracy, %", 340) | {"barmode": "group", "bargap": 0.25}
    layout["yaxis"]["range"] = [0, 105]
    return _figure({"data": traces, "layout": layout})


def _points(
    kind: str,
    pairs: Sequence[tuple[Spread, Spread]],
    names: Sequence[str],
    marker: dict,
    texts: Sequence[str] = (),
    sides: Sequence[str] = (),
) -> dict:
    return {
        "type": "scatter",
        "x": [100 * x.mean for x, _ in pairs],
        "y": [100 * y.mean for _, y in pairs],
        "error_x": {"array": [100 * x.sd for x, _ in pairs], "width": 0, "thickness": 1, "color": GREY},
        "error_y": {"array": [100 * y.sd for _, y in pairs], "width": 0, "thickness": 1, "color": GREY},
        "mode": "markers+text",
        "text": list(texts),
        "textposition": list(sides),
        "customdata": list(names),
        "marker": marker,
        "name": kind,
        "hovertemplate": "%{customdata}: average %{x:.1f} %, worst %{y:.1f} %<extra>" + kind + "</extra>",
    }


def _sides(points: np.ndarray, named: np.ndarray) -> list[str]:
    """Where each point's name stands: over it, but under it where another named point is close above."""
    reach = np.array([0.15, 0.08]) * np.ptp(points, axis=0)
    return [
        "bottom center"
        if any((abs(other - point) <= reach).all() and (*other[::-1], row) > (*point[::-1], place)
               for row, other in enumerate(points) if named[row] and row != place)
        else "top center"
        for place, point in enumerate(points)
    ]  # fmt: skip


def _front(points: np.ndarray) -> dict:
    ordered = points[np.argsort(points[:, 0])]
    return {
        "type": "scatter",
        "x": ordered[:, 0],
        "y": ordered[:, 1],
        "mode": "lines",
        "line": {"color": ACCENT, "width": 1.5, "dash": "dot"},
        "name": "beaten by none in both",
        "hoverinfo": "skip",
    }
