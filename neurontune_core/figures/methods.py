"""Figures of compared methods: average against worst group with the Pareto front, and accuracy by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.experiments.methods import MethodSummary, pareto_front
from neurontune_core.figures.base import ACCENT, GRAY, NO_MASKING, SERIES, make_figure, make_layout
from neurontune_core.statistics import Spread

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.experiments.published import Published

BLUE, USES_GROUPS = "#4c78a8", "#7c5cbf"
_OTHERS = (BLUE, "#b279a2", "#9d755d", "#54a24b", "#e45756", "#72b7b2", "#bab0ac", "#f58518")
_OWN = {"erm": SERIES["Trained"], "masking_off": SERIES[NO_MASKING], "neurontune": ACCENT}  # key of the method -> color


def method_label(summary: MethodSummary) -> str:
    """Return the method's name, marked where the method uses group labels.

    >>> from neurontune_core.baselines.registry import METHODS
    >>> method_label(MethodSummary(METHODS["dfr"], METHODS["dfr"].settings()))
    'DFR · uses groups'
    """
    return summary.method.name + (" · uses groups" if summary.uses_groups else "")


def tradeoff(summaries: Sequence[MethodSummary], published: Sequence[Published] = ()) -> Figure:
    """Draw average against worst group (worst class without groups) in per cent, with standard deviations over seeds.

    A line joins the Pareto front: the measured methods that no other measured one beats in both. Published numbers are
    hollow points and no part of it.

    Args:
        summaries: the methods; those without runs are left out.
        published: cells of the paper's tables; those that lack one of the two numbers are left out.

    >>> from neurontune_core.baselines.registry import METHODS
    >>> from neurontune_core.evaluation.accuracy import Evaluation, Proportion
    >>> from neurontune_core.experiments.methods import SeedRun
    >>> parts = (Proportion("cat", 3, 4), Proportion("dog", 2, 4))
    >>> run = SeedRun(0, Evaluation(Proportion("all", 5, 8), parts, ()), 0.1)
    >>> summary = MethodSummary(METHODS["erm"], METHODS["erm"].settings(), (run,))
    >>> [trace.name for trace in tradeoff([summary]).data], part_bars([summary]).data[0].y
    (['Pareto-optimal', 'no group labels'], (75.0, 50.0))
    """
    shown = [summary for summary in summaries if summary.worst and summary.accuracy]
    spreads = [(row.accuracy, row.worst) for row in shown if row.accuracy and row.worst]
    points = np.array([[x.mean, y.mean] for x, y in spreads])
    front = pareto_front(points)
    traces = [_front(100 * points[front])]
    texts = [row.method.name if on or row.method.key in _OWN else "" for row, on in zip(shown, front, strict=True)]
    sides = _sides(points, np.array(texts) != "")
    for kind, uses, symbol in (("no group labels", False, "circle"), ("uses groups", True, "diamond")):
        rows = [place for place, row in enumerate(shown) if row.uses_groups == uses]
        rows.sort(key=lambda place: shown[place].method.key in _OWN)  # drawn last, so that no equal point covers them
        if rows:
            colors = [_OWN.get(shown[place].method.key, USES_GROUPS if uses else BLUE) for place in rows]
            marker = {"symbol": symbol, "size": 10, "color": colors}
            pairs, names = [spreads[place] for place in rows], [shown[place].method.name for place in rows]
            placed = [texts[place] for place in rows], [sides[place] for place in rows]
            traces.append(_points(kind, pairs, names, marker, *placed))
    cells = [cell for cell in published if cell.worst_group is not None and cell.accuracy is not None]
    if cells:
        pairs = [
            (
                Spread((cell.accuracy or 0) / 100, (cell.accuracy_sd or 0) / 100),
                Spread((cell.worst_group or 0) / 100, (cell.worst_group_sd or 0) / 100),
            )
            for cell in cells
        ]
        marker = {"symbol": "circle-open", "size": 10, "color": GRAY, "line": {"width": 1.5}}
        traces.append(_points("published", pairs, [cell.name for cell in cells], marker))
    grouped = any(row.worst_group_accuracy for row in shown)
    layout = make_layout("average accuracy, %", f"worst {'group' if grouped else 'class'}, %", 420)
    return make_figure({"data": traces, "layout": layout})


def part_bars(summaries: Sequence[MethodSummary]) -> Figure:
    """Draw the mean accuracy of every group (every class, without groups) under each method, with its deviation.

    Args:
        summaries: the methods; an example is in `tradeoff`.
    """
    traces = []
    others = iter(_OTHERS * len(summaries))
    for summary in summaries:
        parts = summary.parts()
        name = method_label(summary)
        traces.append(
            {
                "type": "bar",
                "x": list(parts),
                "y": [100 * part.mean for part in parts.values()],
                "error_y": {"array": [100 * part.sd for part in parts.values()], "width": 3},
                "name": name,
                "marker": {
                    "color": _OWN.get(summary.method.key) or next(others),
                    "pattern": {"shape": "/" if summary.uses_groups else "", "solidity": 0.3},
                },
                "hovertemplate": "%{y:.1f} %<extra>" + name + "</extra>",
            }
        )
    layout = make_layout("", "accuracy, %", 340) | {"barmode": "group", "bargap": 0.25}
    layout["yaxis"]["range"] = [0, 105]
    return make_figure({"data": traces, "layout": layout})


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
        "error_x": {"array": [100 * x.sd for x, _ in pairs], "width": 0, "thickness": 1, "color": GRAY},
        "error_y": {"array": [100 * y.sd for _, y in pairs], "width": 0, "thickness": 1, "color": GRAY},
        "mode": "markers+text",
        "text": list(texts),
        "textposition": list(sides),
        "customdata": list(names),
        "marker": marker,
        "name": kind,
        "hovertemplate": "%{customdata}: average %{x:.1f} %, worst %{y:.1f} %<extra>" + kind + "</extra>",
    }


def _sides(points: np.ndarray, named: np.ndarray) -> list[str]:
    """Return where each point's name goes: above it, or below it where another named point is close above."""
    reach = np.array([0.15, 0.08]) * np.ptp(points, axis=0)
    return [
        "bottom center"
        if any((abs(neighbor - point) <= reach).all() and (*neighbor[::-1], row) > (*point[::-1], place)
               for row, neighbor in enumerate(points) if named[row] and row != place)
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
        "name": "Pareto-optimal",
        "hoverinfo": "skip",
    }
