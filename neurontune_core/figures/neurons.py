"""Figures of all neurons: what ranks them, and what masking them gives over λ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.figures.base import ACCENT, AMBER, GRAY, INCORRECT, make_figure, make_layout
from neurontune_core.identification.ranking import Ranking
from neurontune_core.identification.scores import FEW_MISTAKES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.evaluation.mask_curve import MaskCurve


def ranked_scores(ranking: Ranking, threshold: float, chosen: int | None = None, unit: str = "") -> Figure:
    """Draw all neurons in their order, as areas, with λ as a line.

    Ordered by intervals, the areas are their lower ends, with the scores as a line above them. Neurons whose score
    rests on too few misclassified samples are hollow: a line without an area.

    Args:
        ranking: the neurons and what they are ordered by.
        threshold: λ.
        chosen: a neuron to mark.
        unit: title of the vertical axis for an order by anything but the score; λ is no line there.

    >>> scores = np.array([0.1, 0.5, 0.25], dtype=np.float32)
    >>> ranking = Ranking("paper", None, np.argsort(-scores), scores, scores, scores > 0.4)
    >>> for trace in ranked_scores(ranking, threshold=0.2).data:
    ...     print(trace.name, trace.y)
    biased [0.   0.25 0.  ]
    not biased [0.  0.  0.1]
    fewer than 5 misclassified [0.5 nan nan]
    """
    order, ranks = ranking.neurons, np.arange(1, len(ranking) + 1, dtype=np.int32)
    values, few = ranking.values[order].astype(np.float32), ranking.few[order]
    if unit:
        parts = [("change", ACCENT, np.ones(len(order), dtype=bool))]
    elif ranking.by_interval:
        parts = [("lower end above λ", INCORRECT, values > threshold), ("below", GRAY, values <= threshold)]
    else:
        parts = [("biased", INCORRECT, ~few & (values > threshold)), ("not biased", GRAY, ~few & (values <= threshold))]
    traces = [_area(ranks, np.where(part, values, 0), order, color, name) for name, color, part in parts if part.any()]
    if few.any():
        name = f"fewer than {FEW_MISTAKES} misclassified"
        traces.append(_line(ranks, np.where(few, values, np.nan), order, INCORRECT, name))
    if ranking.by_interval:
        traces.append(_line(ranks, ranking.scores[order].astype(np.float32), order, AMBER, "score"))
    if chosen is not None:
        traces.append(
            {
                "type": "scatter",
                "x": [ranking.rank(chosen)],
                "y": [float(ranking.values[chosen])],
                "mode": "markers",
                "marker": {"size": 11, "color": ACCENT, "line": {"width": 2, "color": "white"}},
                "name": f"neuron {chosen}",
                "hovertemplate": f"rank %{{x}}, neuron {chosen}: %{{y:.4g}}<extra></extra>",
            }
        )
    layout = make_layout("rank", unit or "spuriousness score", 210, numbers=True)
    if not unit:
        line = {"color": ACCENT, "width": 2, "dash": "dash"}
        layout["shapes"] = [
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold, "line": line}
        ]
        layout["annotations"] = [
            {"xref": "paper", "x": 1, "y": threshold, "text": f"λ = {threshold:.3g}", "showarrow": False,
             "xanchor": "right", "yanchor": "bottom", "font": {"color": ACCENT}}
        ]  # fmt: skip
    return make_figure({"data": traces, "layout": layout})


def mask_effect(curve: MaskCurve, threshold: float, largest: float, axis: str = "λ") -> Figure:
    """Draw the accuracies that the mask alone gives over λ, with the current λ as a line.

    Args:
        curve: measured at every λ where the mask changes.
        threshold: the current λ.
        largest: the largest score, where the axis ends.
        axis: what is compared with the scores, such as the effect of a cue.

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
            "hovertemplate": axis + " %{x:.3g}, %{customdata} masked: %{y:.1f} %<extra>" + name + "</extra>",
        }
        for name, share, color, dash in series
    ]
    layout = make_layout(axis, "accuracy if masked, %", 210, numbers=True)
    layout["xaxis"]["range"] = [0, largest]
    line = {"color": ACCENT, "width": 2, "dash": "dash"}
    layout["shapes"] = [
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": threshold, "x1": threshold, "line": line}
    ]
    return make_figure({"data": traces, "layout": layout})


def _area(x: np.ndarray, y: np.ndarray, neurons: np.ndarray, color: str, name: str) -> dict:
    return _line(x, y, neurons, color, name) | {
        "fill": "tozeroy",
        "line": {"color": color, "width": 0.5, "shape": "hvh"},
    }


def _line(x: np.ndarray, y: np.ndarray, neurons: np.ndarray, color: str, name: str) -> dict:
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "customdata": neurons.astype(np.int32),
        "mode": "lines",
        "line": {"color": color, "width": 1},
        "name": name,
        "hovertemplate": "rank %{x}, neuron %{customdata}: %{y:.4g}<extra>" + name + "</extra>",
    }
