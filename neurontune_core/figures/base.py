"""Plotly figures from plain arrays; usable in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.evaluation.accuracy import Evaluation
    from neurontune_core.evaluation.mask_curve import MaskCurve
    from neurontune_core.evaluation.outlines import Selection

CORRECT, INCORRECT, ACCENT, GREY = "#2f6fb2", "#c8453b", "#0f766e", "#8a8f98"
SERIES = {"ERM": GREY, "masking off": "#b7791f", "NeuronTune": ACCENT}
MOST_BARS = 24
_LONGEST_NAME = 32  # characters that fit beside a legend
_MANY_POINTS = 3_000
MOST_POINTS = 8_000  # of a map; more slow the browser down and cover each other
_MARGIN = {"l": 52, "r": 16, "t": 28, "b": 44}


def ranked_scores(scores: np.ndarray, threshold: float, chosen: int | None = None) -> Figure:
    """All neurons by descending score, λ as a line; the part above it is biased.

    Args:
        scores: [M] the largest delta of each neuron.
        threshold: λ.
        chosen: a neuron to mark.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float32)
    biased = int((ranked > threshold).sum())
    place = np.arange(len(ranked), dtype=np.int32)
    traces = [
        _area(place[:biased], ranked[:biased], INCORRECT, "biased"),
        _area(place[biased:], ranked[biased:], GREY, "not biased"),
    ]
    if chosen is not None:
        here = int(np.flatnonzero(order == chosen)[0])
        traces.append(
            {
                "type": "scatter",
                "x": [here],
                "y": [float(scores[chosen])],
                "mode": "markers",
                "marker": {"size": 11, "color": ACCENT, "line": {"width": 2, "color": "white"}},
                "name": f"neuron {chosen}",
                "hovertemplate": f"neuron {chosen}: %{{y:.4g}}<extra></extra>",
            }
        )
    return _figure(
        {
            "data": traces,
            "layout": _layout("neurons, highest score first", "spuriousness score", 210, numbers=True)
            | {
                "shapes": [
                    {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold,
                     "line": {"color": ACCENT, "width": 2, "dash": "dash"}}
                ],
                "annotations": [
                    {"xref": "paper", "x": 1, "y": threshold, "text": f"λ = {threshold:.3g}", "showarrow": False,
                     "xanchor": "right", "yanchor": "bottom", "font": {"color": ACCENT}}
                ],
            },
        }
    )  # fmt: skip


def mask_effect(curve: MaskCurve, threshold: float, largest: float) -> Figure:
    """Accuracies that the mask alone gives, over λ from 0 to the largest score; the current λ as a line."""
    shown = slice(max(0, int(np.searchsorted(curve.thresholds, 0, side="right")) - 1), None)
    series = [("average", curve.accuracy, GREY, "dot"), ("worst class", curve.worst_class_accuracy, "#b7791f", "dash")]
    if curve.worst_group_accuracy is not None:
        series.append(("worst group", curve.worst_group_accuracy, ACCENT, "solid"))
    traces = [
        {
            "type": "scatter",
            "x": np.maximum(curve.thresholds[shown], 0),
            "y": (100 * share[shown]).astype(np.float32),
            "customdata": curve.num_masked[shown],
            "mode": "lines",
            "line": {"color": colour, "dash": dash, "width": 2, "shape": "hv"},
            "name": name,
            "hovertemplate": "λ %{x:.3g}, %{customdata} masked: %{y:.1f} %<extra>" + name + "</extra>",
        }
        for name, share, colour, dash in series
    ]
    layout = _layout("λ", "accuracy if masked, %", 210, numbers=True)
    layout["xaxis"]["range"] = [0, largest]
    line = {"color": ACCENT, "width": 2, "dash": "dash"}
    layout["shapes"] = [
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": threshold, "x1": threshold, "line": line}
    ]
    return _figure({"data": traces, "layout": layout})


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
    """Samples as points, hits and mistakes apart.

    Args:
        places: [N, 2].
        right: [N] bool.
        names: [N] shown under the pointer; rows' numbers instead when there are thousands of points.
        axes: titles; empty ones for axes that mean nothing.
        most: points that are drawn, chosen at random; what is drawn around is told by its outline (`rows_within`).
        drawn: outlines to show on it.
        revision: another one makes a chart that is shown already forget what was drawn on it since.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(places))[:most])
    many = len(rows) > _MANY_POINTS
    traces = []
    for name, outcome, colour, symbol in (("right", True, CORRECT, "circle"), ("wrong", False, INCORRECT, "x")):
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
                    "color": colour,
                    "symbol": symbol,
                },
                **_pointed_at(shown, None if many else names),
                "name": f"{name} ({int((right == outcome).sum())})",
            }
        )
    layout = _layout(*axes, 460) | {"dragmode": "lasso", "selections": _selections(drawn or {})}
    layout["selectionrevision"] = revision
    layout["legend"] |= {"x": 0, "xanchor": "left"}  # the chart's tools are on the right
    if not any(axes):
        for axis in ("xaxis", "yaxis"):
            layout[axis] |= {"showticklabels": False, "zeroline": False}
    return _figure({"data": traces, "layout": layout})


def _selections(drawn: Selection) -> list[dict]:
    shapes: list[dict] = []
    for each in drawn.get("lasso") or ():
        corners = "L".join(f"{x},{y}" for x, y in zip(each["x"], each["y"], strict=True))
        shapes.append({"type": "path", "path": f"M{corners}Z"})
    for each in drawn.get("box") or ():
        (x0, x1), (y0, y1) = each["x"], each["y"]
        shapes.append({"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1})
    return [shape | {"xref": "x", "yref": "y"} for shape in shapes]


def _pointed_at(rows: np.ndarray, names: Sequence[str] | None) -> dict:
    """What stands under the pointer; with many points the row's number, which costs less to send."""
    if names is None:
        return {"customdata": rows.astype(np.int32), "hovertemplate": "row %{customdata}<extra></extra>"}
    return {"text": [names[row] for row in rows], "hovertemplate": "%{text}<extra></extra>"}


def group_bars(evaluations: dict[str, Evaluation]) -> Figure:
    """Accuracy of every group (of every class, without groups) under each head, with 95 % Wilson intervals.

    Of many the `MOST_BARS` that are lowest under the first head, the lowest first.
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
                "x": [f"{_short(part.name)}<br>n = {part.n}" for part in parts],
                "y": 100 * share,
                "error_y": {"array": 100 * (high - share), "arrayminus": 100 * (share - low), "width": 3},
                "name": name,
                "marker": {"color": SERIES.get(name, ACCENT)},
                "hovertemplate": "%{y:.1f} %<extra>" + name + "</extra>",
            }
        )  # fmt: skip
    layout = _layout("", "accuracy, %", 300) | {"barmode": "group", "bargap": 0.3}
    layout["yaxis"]["range"] = [0, 105]
    return _figure({"data": traces, "layout": layout})


def candidate_intervals(names: Sequence[str], worst_class: Sequence[tuple[float, float, float]], chosen: int) -> Figure:
    """Worst-class accuracy of each candidate on samples that it has not seen, with its interval.

    Args:
        names: [K], the first on top.
        worst_class: [K] accuracy, low and high in 0..1.
        chosen: the place of the advised one.
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
                "color": [ACCENT if place == chosen else GREY for place in range(len(names))],
                "symbol": ["diamond" if place == chosen else "circle" for place in range(len(names))],
            },
            "error_x": {"array": high - value, "arrayminus": value - low, "width": 3, "color": GREY},
            "hovertemplate": "%{x:.1f} %<extra></extra>",
            "showlegend": False,
        }
    ]
    layout = _layout("worst class on unseen samples, %", "", 70 + 44 * len(names))
    labels = [escape(f"{name}, advised" if place == chosen else name) for place, name in enumerate(names)]
    layout["yaxis"] |= {"tickvals": list(range(len(names))), "ticktext": labels, "range": [len(names) - 0.5, -0.5]}
    layout["yaxis"] |= {"automargin": True, "zeroline": False}
    return _figure({"data": traces, "layout": layout})


def _lowest(evaluation: Evaluation) -> list[int]:
    every = evaluation.groups or evaluation.classes
    places = [place for place, part in enumerate(every) if part.n]
    if len(places) <= MOST_BARS:
        return places
    return sorted(places, key=lambda place: every[place].correct / every[place].n)[:MOST_BARS]


def _short(name: str, longest: int = _LONGEST_NAME) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _figure(specification: dict) -> Figure:
    if "pandas" in sys.modules:  # then plotly asks it about every array, and fails while another thread is importing it
        import pandas  # noqa: F401
    from plotly.graph_objects import Figure

    return Figure(specification)


def _area(x: np.ndarray, y: np.ndarray, colour: str, name: str) -> dict:
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"color": colour, "width": 1.5},
        "fill": "tozeroy",
        "name": name,
        "hovertemplate": "rank %{x}: %{y:.4g}<extra>" + name + "</extra>",
    }


def _layout(x: str, y: str, height: int, *, numbers: bool = False) -> dict:
    """With ``numbers`` on both axes the margins are wide enough; to measure them would draw the chart twice."""
    return {
        "height": height,
        "margin": _MARGIN,
        "xaxis": {"title": {"text": x}, "automargin": not numbers},
        "yaxis": {"title": {"text": y}, "automargin": not numbers},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        "uirevision": "keep",
    }
