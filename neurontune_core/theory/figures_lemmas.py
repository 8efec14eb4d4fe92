"""Figures of the lemmas: the loss and its bound, training, majorities, what neurons carry, terms of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.figures.base import ACCENT, AMBER, CORRECT, GRAY, INCORRECT, MARGIN, make_figure, make_layout
from neurontune_core.theory.data_model import DataModel
from neurontune_core.theory.figures import CORE_COLOR, SPURIOUS_COLOR
from neurontune_core.theory.lemma import Weights, exact, printed
from neurontune_core.theory.loss import Descent, Terms, bound, least_loss, terms
from neurontune_core.theory.majority import exact_majority, printed_majority
from neurontune_core.theory.retraining import exact_retraining, printed_retraining

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.theory.principle import Principle

_P = np.linspace(0.5, 1, 51)


def proof_of_the_lemma(model: DataModel) -> Figure:
    """Draw the loss over the shortcut's weight beside the bound that the proof minimizes instead (Eq. 25 to 27)."""
    claimed, best = printed(model), exact(model)
    weights = np.linspace(best.spurious - 0.3, claimed.spurious + 0.3, 121)
    along = [terms(model, Weights(1 - weight, weight)).total for weight in weights]
    traces = [
        _line("bound, Eq. 27", weights, [bound(model, weight) for weight in weights], GRAY, "dot"),
        _line("loss with u_core = (1 − z)β, as the proof sets it", weights, along, AMBER, "dash"),
        _line("least loss", weights, [least_loss(model, weight) for weight in weights], ACCENT),
        _marks("lowest of the bound", [claimed.spurious], [bound(model, claimed.spurious)], GRAY, "circle"),
        _marks("loss of the printed weights", [claimed.spurious], [terms(model, claimed).total], AMBER, "diamond"),
        _marks("loss of the exact weights", [best.spurious], [terms(model, best).total], ACCENT, "star"),
    ]
    layout = make_layout("z, weight on the shortcut", "loss", 460) | {"legend": _BELOW} | _titled("The proof, at p")
    return make_figure({"data": traces, "layout": layout})


def training_path(path: Descent, model: DataModel) -> Figure:
    """Draw both weights over the steps of gradient descent, and the exact ones they tend to."""
    steps = np.maximum(path.steps, 0.5)  # the axis is logarithmic
    traces = [
        _line(name, steps, path.weights[:, place], color)
        for place, (name, color) in enumerate((("core", CORE_COLOR), ("shortcut", SPURIOUS_COLOR)))
    ]
    layout = make_layout("steps of gradient descent", "weight", 340) | _titled("Training a network, at p")
    layout["xaxis"]["type"] = "log"
    layout["shapes"] = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value,
         "line": {"color": color, "width": 1, "dash": "dot"}}
        for value, color in zip(exact(model), (CORE_COLOR, SPURIOUS_COLOR), strict=True)
    ]  # fmt: skip
    return make_figure({"data": traces, "layout": layout})


def majorities(model: DataModel) -> Figure:
    """Draw over p the shares of Lemma 2, printed and exact; above one half its two claims hold."""
    models = [DataModel(float(p), model.eta_core, model.eta_spu) for p in _P]
    kinds = (("printed", printed_majority, "dot"), ("exact", exact_majority, "solid"))
    sides = (("agreeing", "shortcut agrees, of the correct", CORRECT), ("misled", "misled, of the mistakes", INCORRECT))
    traces = [
        _line(f"{words}, {kind}", _P, [getattr(compute(each), side) for each in models], color, dash)
        for side, words, color in sides
        for kind, compute, dash in kinds
    ]
    layout = make_layout("p, how often the shortcut agrees with the answer", "share", 420) | {"legend": _BELOW}
    layout["yaxis"]["range"] = [0, 1.02]
    layout["shapes"] = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "line": {"color": GRAY, "width": 1}},
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": model.p, "x1": model.p,
         "line": {"color": GRAY, "width": 2, "dash": "dash"}},
    ]  # fmt: skip
    return make_figure({"data": traces, "layout": layout})


def carried_weight(shown: Principle) -> Figure:
    """Draw what each neuron adds to the weight on the shortcut, over its own weight on it."""
    traces = [
        _marks(name, shown.shortcut[rows], shown.carried[rows], color, symbol)
        for name, rows, color, symbol in (
            ("selected", shown.selected, INCORRECT, "circle"),
            ("spared", ~shown.selected, CORRECT, "diamond"),
        )
    ]
    layout = make_layout(
        "γᵀw_spu, the neuron's weight on the shortcut", "b · γᵀw_spu, what it adds to the output's", 420
    )
    return make_figure({"data": traces, "layout": layout})


def retrained_weights(model: DataModel, agreement: float, fitted: tuple[np.ndarray, np.ndarray]) -> Figure:
    """Draw the shortcut's weight after retraining over p_re: Eq. 48, exact, and fitted points (p_re, weight)."""
    traces = [
        _line("Eq. 48", _P, [printed_retraining(model, float(p)).spurious for p in _P], GRAY, "dot"),
        _line("exact", _P, [exact_retraining(model, float(p)).spurious for p in _P], SPURIOUS_COLOR),
        _marks("least squares", *fitted, SPURIOUS_COLOR, "circle-open"),
    ]
    layout = make_layout("p_re, how often the shortcut agrees in the retraining data", "weight on the shortcut", 360)
    layout["shapes"] = [
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": agreement, "x1": agreement,
         "line": {"color": GRAY, "width": 2, "dash": "dash"}}
    ]  # fmt: skip
    return make_figure({"data": traces, "layout": layout})


def loss_terms(parts: Mapping[str, Terms]) -> Figure:
    """Draw the terms of Eq. 51, stacked, for each of several weights by name."""
    names = ("agreeing", "½ p ψ1", CORRECT), ("misled", "½ (1 − p) ψ2", INCORRECT), ("noise", "½ ψ3", GRAY)
    traces = [
        {"type": "bar", "orientation": "h", "y": list(parts), "x": [getattr(each, key) for each in parts.values()],
         "name": name, "marker": {"color": color}, "hovertemplate": "%{x:.4f}<extra>" + name + "</extra>"}
        for key, name, color in names
    ]  # fmt: skip
    layout = make_layout("loss on the training data", "", 300) | {"barmode": "stack"}
    layout["yaxis"]["autorange"] = "reversed"
    return make_figure({"data": traces, "layout": layout})


def _titled(text: str) -> dict:
    return {"title": {"text": text, "font": {"size": 14}, "x": 0}, "margin": MARGIN | {"t": 48}}


_BELOW = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}


def _line(name: str, x: np.ndarray, y: object, color: str, dash: str = "solid") -> dict:
    return {
        "type": "scatter",
        "x": np.asarray(x, dtype=np.float32),
        "y": np.asarray(y, dtype=np.float32),
        "mode": "lines",
        "line": {"color": color, "width": 2.5, "dash": dash},
        "name": name,
        "hovertemplate": "%{x:.2f}: %{y:.3f}<extra>" + name + "</extra>",
    }


def _marks(name: str, x: object, y: object, color: str, symbol: str) -> dict:
    marker = {"color": color, "size": 9, "symbol": symbol, "line": {"width": 1}}
    return _line(name, np.asarray(x), y, color) | {"mode": "markers", "marker": marker}
