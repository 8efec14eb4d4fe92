"""Figures of all neurons: their scores by rank, and what masking them gives over λ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.figures.base import ACCENT, AMBER, GRAY, INCORRECT, make_figure, make_layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.evaluation.mask_curve import MaskCurve


def ranked_scores(scores: np.ndarray, threshold: float, chosen: int | None = None) -> Figure:
    """Draw all neurons by descending score, with λ as a line; the neurons above it are biased.

    Args:
        scores: [M] the largest delta of each neuron.
        threshold: λ.
        chosen: a neuron to mark.

    >>> biased, rest = ranked_scores(np.array([0.1, 0.5, 0.25]), threshold=0.3).data
    >>> biased.y.tolist(), len(rest.y)
    ([0.5], 2)
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float32)
    biased = int((ranked > threshold).sum())
    place = np.arange(len(ranked), dtype=np.int32)
    traces = [
        _area(place[:biased], ranked[:biased], INCORRECT, "biased"),
        _area(place[biased:], ranked[biased:], GRAY, "not biased"),
    ]
    if chosen is not None:
        rank = int(np.flatnonzero(order == chosen)[0])
        traces.append(
            {
                "type": "scatter",
                "x": [rank],
                "y": [float(scores[chosen])],
                "mode": "markers",
                "marker": {"size": 11, "color": ACCENT, "line": {"width": 2, "color": "white"}},
                "name": f"neuron {chosen}",
                "hovertemplate": f"neuron {chosen}: %{{y:.4g}}<extra></extra>",
            }
        )
    return make_figure(
        {
            "data": traces,
            "layout": make_layout("neurons, highest score first", "spuriousness score", 210, numbers=True)
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
    """Draw the accuracies that the mask alone gives over λ, with the current λ as a line.

    Args:
        curve: measured at every λ where the mask changes.
        threshold: the current λ.
        largest: the largest score, where the axis ends.

    >>> from neurontune_core.evaluation.mask_curve import MaskCurve
    >>> share = np.array([0.5, 0.75], dtype=np.float32)
    >>> curve = MaskCurve(np.array([0.0, 0.2]), np.array([1, 0]), share, share, None)
    >>> [trace.name for trace in mask_effect(curve, threshold=0.1, largest=0.2).data]
    ['average', 'worst class']
    """
    shown = slice(max(0, int(np.searchsorted(curve.thresholds, 0, side="right")) - 1), None)
    series = [("average", curve.accuracy, GRAY, "dot"), ("worst class", curve.worst_class_accuracy, AMBER, "dash")]
    if curve.worst_group_accuracy is not None:
        series.append(("worst group", curve.worst_group_accuracy, ACCENT, "solid"))
    traces = [
        {
            "type": "scatter",
            "x": np.maximum(curve.thresholds[shown], 0),
            "y": (100 * share[shown]).astype(np.float32),
            "customdata": curve.num_masked[shown],
            "mode": "lines",
            "line": {"color": color, "dash": dash, "width": 2, "shape": "hv"},
            "name": name,
            "hovertemplate": "λ %{x:.3g}, %{customdata} masked: %{y:.1f} %<extra>" + name + "</extra>",
        }
        for name, share, color, dash in series
    ]
    layout = make_layout("λ", "accuracy if masked, %", 210, numbers=True)
    layout["xaxis"]["range"] = [0, largest]
    line = {"color": ACCENT, "width": 2, "dash": "dash"}
    layout["shapes"] = [
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": threshold, "x1": threshold, "line": line}
    ]
    return make_figure({"data": traces, "layout": layout})


def _area(x: np.ndarray, y: np.ndarray, color: str, name: str) -> dict:
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"color": color, "width": 1.5},
        "fill": "tozeroy",
        "name": name,
        "hovertemplate": "rank %{x}: %{y:.4g}<extra>" + name + "</extra>",
    }
