"""Figures of heads side by side: accuracy by group or class, and the candidates of the recommendation."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.figures.base import ACCENT, GRAY, SERIES, make_figure, make_layout, shorten

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.evaluation.accuracy import Evaluation

MOST_BARS = 24


def group_bars(evaluations: dict[str, Evaluation]) -> Figure:
    """Draw the accuracy of every group (of every class, without groups) under each head, with 95 % Wilson intervals.

    Of more than `MOST_BARS` groups, those that are lowest under the first head are drawn, the lowest first.

    Args:
        evaluations: name of the head -> its evaluation; all on the same samples.

    >>> from neurontune_core.evaluation.accuracy import Evaluation, Proportion
    >>> parts = (Proportion("cat", 3, 4), Proportion("dog", 4, 4))
    >>> group_bars({"Trained": Evaluation(Proportion("all", 7, 8), parts, ())}).data[0].y.tolist()
    [75.0, 100.0]
    """
    traces = []
    shown = _lowest(next(iter(evaluations.values())))
    for name, evaluation in evaluations.items():
        every = evaluation.groups or evaluation.classes
        parts = [every[place] for place in shown]
        share = np.array([part.correct / part.n for part in parts])
        low, high = np.array([part.interval for part in parts]).T
        traces.append(
            {
                "type": "bar",
                "x": [f"{escape(shorten(part.name))}<br>n = {part.n}" for part in parts],
                "y": 100 * share,
                "error_y": {"array": 100 * (high - share), "arrayminus": 100 * (share - low), "width": 3},
                "name": name,
                "marker": {"color": SERIES.get(name, ACCENT)},
                "hovertemplate": "%{y:.1f} %<extra>" + name + "</extra>",
            }
        )  # fmt: skip
    layout = make_layout("", "accuracy, %", 300) | {"barmode": "group", "bargap": 0.3}
    layout["yaxis"]["range"] = [0, 105]
    return make_figure({"data": traces, "layout": layout})


def candidate_intervals(names: Sequence[str], worst_class: Sequence[tuple[float, float, float]], chosen: int) -> Figure:
    """Draw the worst-class accuracy of each candidate on samples that it has not seen, with its interval.

    Args:
        names: [K], the first on top.
        worst_class: [K] accuracy, low and high in 0..1.
        chosen: the place of the recommended one.

    >>> figure = candidate_intervals(["the head as it is", "no masking"], [(0.5, 0.4, 0.6), (0.8, 0.7, 0.9)], 1)
    >>> figure.data[0].x.tolist(), figure.layout.yaxis.ticktext[1]
    ([50.0, 80.0], 'no masking, advised')
    """
    value, low, high = 100 * np.array(worst_class).T
    traces = [
        {
            "type": "scatter",
            "x": value,
            "y": list(range(len(names))),
            "mode": "markers",
            "marker": {
                "size": [13 if place == chosen else 9 for place in range(len(names))],
                "color": [ACCENT if place == chosen else GRAY for place in range(len(names))],
                "symbol": ["diamond" if place == chosen else "circle" for place in range(len(names))],
            },
            "error_x": {"array": high - value, "arrayminus": value - low, "width": 3, "color": GRAY},
            "hovertemplate": "%{x:.1f} %<extra></extra>",
            "showlegend": False,
        }
    ]
    layout = make_layout("worst class on unseen samples, %", "", 70 + 44 * len(names))
    labels = [escape(f"{name}, advised" if place == chosen else name) for place, name in enumerate(names)]
    layout["yaxis"] |= {"tickvals": list(range(len(names))), "ticktext": labels, "range": [len(names) - 0.5, -0.5]}
    layout["yaxis"] |= {"automargin": True, "zeroline": False}
    return make_figure({"data": traces, "layout": layout})


def _lowest(evaluation: Evaluation) -> list[int]:
    every = evaluation.groups or evaluation.classes
    places = [place for place, part in enumerate(every) if part.n]
    if len(places) <= MOST_BARS:
        return places
    return sorted(places, key=lambda place: every[place].correct / every[place].n)[:MOST_BARS]
