"""Figures of studies: a line over one setting, a map over two, bars over words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurontune_core.experiments.ablation_run import VariantResult
from neurontune_core.experiments.cost import CostCurve
from neurontune_core.experiments.stability import Stability
from neurontune_core.figures.base import ACCENT, AMBER, GRAY, make_figure, make_layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.experiments.studies import StudyResult

_COLORS = (ACCENT, "#4c78a8", AMBER, "#7c5cbf")


def study_figure(result: StudyResult) -> Figure:
    """Draw the result of a study that has at least one part.

    >>> from neurontune_core.experiments.studies import StudyResult
    >>> parts = tuple(VariantResult({"mask value": at}, {"worst class": (at,), "average": (1.0,)}) for at in (0.2, 0.4))
    >>> study_figure(StudyResult("mask-value", parts, 1, 1, {}, {}, 0.0)).data[0].y
    (20.0, 40.0)
    """
    if result.key == "stability":
        return _stability([part for part in result.parts if isinstance(part, Stability)])
    if result.key == "cost":
        return _cost([part for part in result.parts if isinstance(part, CostCurve)])
    rows = [row for row in result.parts if isinstance(row, VariantResult) and row.values]
    numbers = all(isinstance(value, (int, float)) for row in rows for value in row.at.values())
    if numbers and len(rows[0].at) == 2:
        return _map(rows)
    return _lines(rows) if len(rows[0].at) == 1 else _bars(rows)


def _worst(rows: Sequence[VariantResult]) -> str:
    return "worst group" if any("worst group" in row.values for row in rows) else "worst class"


def _line(name: str, x: Sequence, y: Sequence[float], sd: Sequence[float], color: str, dash: str = "solid") -> dict:
    return {
        "type": "scatter",
        "x": list(x),
        "y": list(y),
        "error_y": {"array": list(sd), "width": 3, "thickness": 1},
        "mode": "lines+markers",
        "line": {"color": color, "width": 2, "dash": dash},
        "name": name,
        "hovertemplate": "%{x}: %{y:.3g}<extra>" + name + "</extra>",
    }


def _lines(rows: Sequence[VariantResult]) -> Figure:
    """Draw worst group and average over the values of one setting, in their order."""
    (axis,) = rows[0].at
    at = [str(row.at[axis]) if isinstance(row.at[axis], str) else f"{row.at[axis]:g}" for row in rows]
    traces = []
    for name, color, dash in ((_worst(rows), ACCENT, "solid"), ("average", GRAY, "dot")):
        spreads = [row.spread(name) for row in rows]
        means = [100 * spread.mean if spread else 0.0 for spread in spreads]
        traces.append(_line(name, at, means, [100 * spread.sd if spread else 0.0 for spread in spreads], color, dash))
    layout = make_layout(axis, "accuracy, %", 340)
    layout["xaxis"]["type"] = "category"
    return make_figure({"data": traces, "layout": layout})


def _map(rows: Sequence[VariantResult]) -> Figure:
    """Draw worst group over two settings."""
    down, across = rows[0].at
    measure = _worst(rows)
    places = [list(dict.fromkeys(row.at[name] for row in rows)) for name in (down, across)]
    means = {(row.at[down], row.at[across]): row.spread(measure) for row in rows}
    grid = [[_mean(means.get((row, column))) for column in places[1]] for row in places[0]]
    trace = {
        "type": "heatmap",
        "x": [f"{value:g}" for value in places[1]],
        "y": [f"{value:g}" for value in places[0]],
        "z": grid,
        "texttemplate": "%{z:.1f}",
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": f"{measure}, %"}},
        "hovertemplate": f"{down} %{{y}}, {across} %{{x}}: %{{z:.1f}} %<extra></extra>",
    }
    layout = make_layout(across, down, 420)
    layout["xaxis"]["type"] = layout["yaxis"]["type"] = "category"
    return make_figure({"data": [trace], "layout": layout})


def _mean(spread) -> float | None:  # type: ignore[no-untyped-def]
    return None if spread is None else 100 * spread.mean


def _bars(rows: Sequence[VariantResult]) -> Figure:
    """Draw worst group by the first thing that is varied, in one color for each value of the second."""
    first, second = rows[0].at
    measure, traces = _worst(rows), []
    for place, value in enumerate(dict.fromkeys(row.at[second] for row in rows)):
        own = [(row, row.spread(measure)) for row in rows if row.at[second] == value]
        traces.append(
            {
                "type": "bar",
                "x": [str(row.at[first]) for row, _ in own],
                "y": [100 * spread.mean if spread else 0.0 for _, spread in own],
                "error_y": {"array": [100 * spread.sd if spread else 0.0 for _, spread in own], "width": 3},
                "name": f"{second} {value}",
                "marker": {"color": (ACCENT, GRAY)[place % 2]},
                "hovertemplate": "%{y:.1f} %<extra>" + f"{second} {value}" + "</extra>",
            }
        )
    layout = make_layout("", f"{measure}, %", 360) | {"barmode": "group", "bargap": 0.3}
    return make_figure({"data": traces, "layout": layout})


def _stability(results: Sequence[Stability]) -> Figure:
    at = [result.samples for result in results]
    traces = [
        _line("with the whole set", at, [result.jaccard.mean for result in results],
              [result.jaccard.sd for result in results], ACCENT),
        _line("random sets of that size", at, [result.by_chance for result in results], [], GRAY, "dot"),
    ]  # fmt: skip
    layout = make_layout("samples", "Jaccard", 340)
    layout["yaxis"]["range"] = [0, 1.02]
    return make_figure({"data": traces, "layout": layout})


def _cost(results: Sequence[CostCurve]) -> Figure:
    """Draw each size relative to its smallest, so that a slope is an exponent."""
    traces = [
        _line(f"{curve.method}, {curve.grows}, exponent {curve.exponent:.2f}",
              [size / curve.sizes[0] for size in curve.sizes], [value / curve.seconds[0] for value in curve.seconds],
              [], _COLORS[place % len(_COLORS)], ("solid", "dash")[place // len(_COLORS) % 2])
        for place, curve in enumerate(results)
    ]  # fmt: skip
    layout = make_layout("times as large", "times as long", 360)
    layout["xaxis"]["type"] = layout["yaxis"]["type"] = "log"
    return make_figure({"data": traces, "layout": layout})
