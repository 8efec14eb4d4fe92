"""Lemma 1 and Theorems 4.2 and 4.3 as answers: one for screen, command line and file."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache

import numpy as np

from neurontune_core.tables import percent
from neurontune_core.theory.answers import KEPT, Answer
from neurontune_core.theory.data_model import INPUTS, DataModel
from neurontune_core.theory.lemma import SAMPLES, LemmaCurves, Weights, exact, least_squares, lemma_curves, printed
from neurontune_core.theory.loss import bound, gradient_descent, terms
from neurontune_core.theory.neuron_scores import neuron_scores
from neurontune_core.theory.removal import Removed, remove_neurons


@lru_cache(KEPT)
def lemma(model: DataModel, seed: int = 0) -> Answer:
    """Answer Lemma 1 at ``model`` and over p."""
    from neurontune_core.theory.figures import lemma_weights
    from neurontune_core.theory.figures_lemmas import proof_of_the_lemma, training_path

    path = gradient_descent(model, seed=seed)
    weights = {
        "as printed": printed(model),
        "exact": exact(model),
        "least squares": least_squares(model, SAMPLES, seed),
        "gradient descent": Weights(*path.weights[-1].tolist()),
    }
    losses = {name: terms(model, pair).total for name, pair in weights.items()}
    return Answer(
        "lemma",
        asdict(model)
        | {"samples": SAMPLES, "weights": {name: pair._asdict() for name, pair in weights.items()}}
        | {"loss": losses, "bound": bound(model, weights["as printed"].spurious)},
        [
            {"weight on": name, "the core feature": f"{pair.core:.3f}", "the shortcut": f"{pair.spurious:.3f}"}
            | {"loss": f"{losses[name]:.4f}"}
            for name, pair in weights.items()
        ],
        f"Weights at p = {model.p:.2f}. Least squares: N = {SAMPLES:,} samples a point. Gradient descent: both layers "
        f"of a network of 20 neurons, {path.steps[-1]:,} steps on unlimited data. βᵀx_core has the variance v = 1. At "
        f"the printed weights the bound of Eq. 27 is {bound(model, weights['as printed'].spurious):.4f}.",
        {
            "weights": lemma_weights(_curves(model.eta_core, model.eta_spu, seed), model.p),
            "proof": proof_of_the_lemma(model),
            "training": training_path(path, model),
        },
    )


@lru_cache(KEPT)
def _curves(eta_core: float, eta_spu: float, seed: int) -> LemmaCurves:
    """Return the curves again while only p changes."""
    return lemma_curves(eta_core, eta_spu, seed)


@lru_cache(KEPT)
def scores(model: DataModel, neurons: int = 100, seed: int = 0, absolute: bool = False) -> Answer:
    """Answer Theorem 4.2 on one random network."""
    from neurontune_core.theory.figures import score_lines

    scored = neuron_scores(model, neurons, seed)
    lines = {"+μ": scored.line(1), "−μ": scored.line(0)}
    selected = {"signed": scored.selected_signed, "absolute": scored.selected_absolute}
    rows = [
        {"class": f"y = {name}", "slope": f"{line.slope:.2f}", "correlation r": f"{line.correlation:.3f}"}
        for name, line in lines.items()
    ]
    return Answer(
        "scores",
        asdict(model)
        | {"neurons": neurons, "samples": scored.samples, "mistakes": scored.mistakes, "selected": selected}
        | {"lines": {"+mu": lines["+μ"]._asdict(), "-mu": lines["−μ"]._asdict()}},
        rows,
        f"Signed scores over −2yγᵀw_spu, {neurons} neurons, N = {scored.samples:,} samples, {scored.mistakes:,} of "
        f"them mistakes. At λ = 0 the signed rule selects {percent(selected['signed'], 0)} of the neurons, the "
        f"absolute one {percent(selected['absolute'], 0)}.",
        {"scores": score_lines(scored, absolute=absolute)},
    )


@lru_cache(KEPT)
def removal(
    model: DataModel, neurons: int = 100, seed: int = 0, retrain: bool = False, premise: bool = False
) -> Answer:
    """Answer Theorem 4.3 over random networks."""
    from neurontune_core.theory.figures import removal_distances

    removed = remove_neurons(model, neurons, seed, retrain=retrain, premise=premise)
    parts = {"nothing": removed.before, "selected": removed.selected, "random": removed.random}
    networks = len(removed.selected.distance)
    return Answer(
        "removal",
        asdict(model)
        | {
            "neurons": neurons,
            "networks": networks,
            "retrained": retrain,
            "premise": premise,
            "selected_closer": removed.selected_closer,
        }
        | {"spanning": removed.spanning, "removed": {name: _middle(part) for name, part in parts.items()}},
        [
            {
                "removed": name,
                "distance": f"{_middle(part)['distance']:.3f}",
                "accuracy": percent(_middle(part)["accuracy"]),
            }
            for name, part in parts.items()
        ],
        f"Medians over {networks:,} random networks of {neurons} neurons. The selection came closer than chance in "
        f"{percent(removed.selected_closer)} of them (ties count as half). In {percent(removed.spanning, 0)} the "
        "spared "
        f"neurons still span all {INPUTS} inputs. Accuracy: on samples whose shortcut misleads.",
        {"distances": removal_distances(removed)},
    )


def _middle(part: Removed) -> dict[str, float]:
    return {"distance": float(np.median(part.distance)), "accuracy": float(np.nanmedian(part.accuracy))}
