"""Figures of the theory: both forms of Lemma 1, scores over their prediction, removals, the toy experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.figures.base import ACCENT, AMBER, CORRECT, GRAY, INCORRECT, make_figure, make_layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.embeddings import EmbeddingSet
    from neurontune_core.head import LinearHead
    from neurontune_core.theory import LemmaCurves, NeuronScores, Removal

CORE_COLOR, SPURIOUS_COLOR = ACCENT, AMBER
DRAWN = 600  # points of a scatter of samples
_BINS = 60


def lemma_weights(curves: LemmaCurves, p: float) -> Figure:
    """Draw the weights on the core feature and on the shortcut over p, as printed, exact and fitted."""
    kinds = (
        ("as printed", curves.p, curves.printed, "lines"),
        ("exact", curves.p, curves.exact, "lines"),
        ("least squares", curves.fitted_p, curves.fitted, "markers"),
    )
    traces = [
        {
            "type": "scatter",
            "x": x,
            "y": y[:, place].astype(np.float32),
            "mode": mode,
            "line": {"color": color, "width": 2.5, "dash": "dot" if kind == "as printed" else "solid"},
            "marker": {"color": color, "size": 9, "symbol": "circle-open", "line": {"width": 2}},
            "name": f"{name}, {kind}",
            "hovertemplate": f"p %{{x:.2f}}: %{{y:.3f}}<extra>{name}, {kind}</extra>",
        }
        for place, (name, color) in enumerate((("core", CORE_COLOR), ("shortcut", SPURIOUS_COLOR)))
        for kind, x, y, mode in kinds
    ]
    layout = make_layout("p, how often the shortcut agrees with the answer", "weight", 420)
    layout["margin"] = layout["margin"] | {"t": 64}
    layout["shapes"] = [_upright(p, GRAY)]
    return make_figure({"data": traces, "layout": layout})


def score_lines(scores: NeuronScores, *, absolute: bool = False) -> Figure:
    """Draw measured scores of both classes over −2μγᵀw_spu, with the theorem's two lines (Theorem 4.2).

    Args:
        scores: of one random network.
        absolute: whether to draw the scores of magnitudes instead of the signed ones.
    """
    across = scores.predicted[1]
    shown = scores.absolute if absolute else scores.signed
    reach = 1.05 * float(np.abs(across).max())
    traces = [
        {"type": "scatter", "x": [-reach, reach], "y": [-sign * reach, sign * reach], "mode": "lines",
         "line": {"color": GRAY, "width": 1.5, "dash": dash}, "name": f"theorem, y = {name}", "hoverinfo": "skip"}
        for sign, name, dash in ((1, "+μ", "solid"), (-1, "−μ", "dot"))
    ]  # fmt: skip
    for label, name, color, symbol in ((1, "+μ", CORE_COLOR, "circle"), (0, "−μ", SPURIOUS_COLOR, "diamond")):
        traces.append(
            {
                "type": "scatter",
                "x": across.astype(np.float32),
                "y": shown[label],
                "mode": "markers",
                "marker": {"size": 8, "color": color, "symbol": symbol, "opacity": 0.75},
                "name": f"neurons, y = {name}",
                "customdata": np.arange(len(across)),
                "hovertemplate": "neuron %{customdata}: predicted %{x:.3f}, measured %{y:.3f}<extra>y = "
                + name
                + "</extra>",
            }
        )
    layout = make_layout("−2μγᵀw_spu, from the neuron's weights", "measured score", 420)
    layout["yaxis"]["zeroline"] = False
    layout["shapes"] = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": 0,
            "y1": 0,
            "line": {"color": INCORRECT, "width": 1.5},
        }
    ]
    layout["annotations"] = [
        {"xref": "paper", "x": 1, "y": 0, "text": "above: selected (λ = 0)", "showarrow": False, "xanchor": "right",
         "yanchor": "bottom", "font": {"color": INCORRECT}}
    ]  # fmt: skip
    return make_figure({"data": traces, "layout": layout})


def removal_distances(removal: Removal) -> Figure:
    """Draw how far random networks are from the unbiased model after each removal; the farthest 2 % are left out."""
    both = (
        ("selected neurons removed", removal.selected.distance, ACCENT, "solid"),
        ("as many random ones removed", removal.random.distance, SPURIOUS_COLOR, "dot"),
    )
    everything = np.concatenate([distance for _, distance, _, _ in both])
    start = float(removal.before.distance[0])
    edges = np.linspace(0, max(float(np.quantile(everything, 0.98)), 1.15 * start), _BINS + 1)
    traces = [
        {
            "type": "scatter",
            "x": edges[:-1],
            "y": (100 * np.histogram(distance, edges)[0] / len(distance)).astype(np.float32),
            "mode": "lines",
            "line": {"color": color, "width": 2.5, "dash": dash, "shape": "hv"},
            "fill": "tozeroy" if dash == "solid" else "none",
            "fillcolor": "rgba(15, 118, 110, 0.2)",
            "name": name,
            "hovertemplate": "distance %{x:.2f}: %{y:.1f} %<extra>" + name + "</extra>",
        }
        for name, distance, color, dash in both
    ]
    layout = make_layout("distance to the unbiased model's weights", "% of networks", 420)
    layout["yaxis"]["rangemode"] = "tozero"
    layout["shapes"] = [_upright(start, INCORRECT)]
    layout["annotations"] = [
        {"yref": "paper", "x": start, "y": 1, "text": "before", "showarrow": False, "xanchor": "left", "xshift": 4,
         "yanchor": "top", "font": {"color": INCORRECT}}
    ]  # fmt: skip
    return make_figure({"data": traces, "layout": layout})


def decision_boundary(data: EmbeddingSet, head: LinearHead, title: str) -> Figure:
    """Draw samples over the core and the spurious neuron, and the decision boundary of the head.

    Args:
        data: [N, 3] core, spurious, noise; the first DRAWN samples are drawn.
        head: two classes; its boundary is drawn where the noise neuron is 0.
        title: of the figure.
    """
    vectors, labels = data.embeddings[:DRAWN], data.labels[:DRAWN]
    right = head.predict(vectors) == labels
    traces = []
    for outcome, name, color in ((True, "correct", CORRECT), (False, "misclassified", INCORRECT)):
        for label, symbol in enumerate(("circle-open", "cross")):
            rows = (right == outcome) & (labels == label)
            traces.append(
                {
                    "type": "scatter",
                    "x": vectors[rows, 0],
                    "y": vectors[rows, 1],
                    "mode": "markers",
                    "marker": {"size": 6, "color": color, "symbol": symbol, "opacity": 0.7},
                    "name": f"{data.class_names[label]}, {name}",
                    "hovertemplate": "core %{x:.2f}, spurious %{y:.2f}<extra>" + f"{name}</extra>",
                }
            )
    core, spurious, _ = (head.weight[1] - head.weight[0]).tolist()
    bias = float(head.bias[1] - head.bias[0])
    low, high = vectors[:, 1].min(), vectors[:, 1].max()
    ends = np.array([low, high]) + np.array([-0.08, 0.08]) * (high - low)
    across, along = (-(bias + spurious * ends) / core, ends) if core else (ends, -(bias + core * ends) / spurious)
    traces.append(
        {"type": "scatter", "x": across, "y": along, "mode": "lines", "line": {"color": ACCENT, "width": 3},
         "name": "decision boundary", "hoverinfo": "skip"}
    )  # fmt: skip
    layout = make_layout("core neuron", "spurious neuron", 400)
    layout["xaxis"] |= {"range": [-3.6, 3.6], "zeroline": False}
    layout["yaxis"] |= {"range": ends.tolist(), "zeroline": False}
    layout["legend"] = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}
    layout["title"] = {"text": title, "font": {"size": 14}, "x": 0}
    return make_figure({"data": traces, "layout": layout})


def _upright(x: float, color: str) -> dict:
    line = {"color": color, "width": 2, "dash": "dash"}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x, "line": line}
