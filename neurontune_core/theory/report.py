"""Lemma 1 and Theorems 4.2 and 4.3 as answers: one for screen, command line and file."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache

import numpy as np

from neurontune_core.theory.answers import KEPT, Answer
from neurontune_core.theory.data_model import INPUTS, DataModel
from neurontune_core.theory.lemma import SAMPLES, LemmaCurves, exact, least_squares, lemma_curves, printed
from neurontune_core.theory.neuron_scores import neuron_scores
from neurontune_core.theory.removal import Removed, remove_neurons


@lru_cache(KEPT)
def lemma(model: DataModel, seed: int = 0) -> Answer:
    """Lemma 1 at ``model`` and over p."""
    from neurontune_core.theory.figures import lemma_weights

    found = {
        "as printed": printed(model),
        "exact": exact(model),
        "least squares": least_squares(model, SAMPLES, seed),
    }
    return Answer(
        "lemma",
        asdict(model) | {"samples": SAMPLES, "weights": {name: each._asdict() for name, each in found.items()}},
        [
            {"weight on": name, "the core feature": f"{each.core:.3f}", "the shortcut": f"{each.spurious:.3f}"}
            for name, each in found.items()
        ],
        f"Weights at p = {model.p:.2f}. Least squares: N = {SAMPLES:,} samples a point. βᵀx_core has the variance "
        "v = 1.",
        {"weights": lemma_weights(_curves(model.eta_core, model.eta_spu, seed), model.p)},
    )


@lru_cache(KEPT)
def _curves(eta_core: float, eta_spu: float, seed: int) -> LemmaCurves:
    """They do not change while p is moved."""
    return lemma_curves(eta_core, eta_spu, seed)


@lru_cache(KEPT)
def scores(model: DataModel, neurons: int = 100, seed: int = 0, absolute: bool = False) -> Answer:
    """Theorem 4.2 on one random network."""
    from neurontune_core.theory.figures import score_lines

    found = neuron_scores(model, neurons, seed)
    lines = {"+μ": found.line(1), "−μ": found.line(0)}
    selected = {"signed": found.selected_signed, "absolute": found.selected_absolute}
    rows = [
        {"class": f"y = {name}", "slope": f"{line.slope:.2f}", "correlation r": f"{line.correlation:.3f}"}
        for name, line in lines.items()
    ]
    return Answer(
        "scores",
        asdict(model)
        | {"neurons": neurons, "samples": found.samples, "mistakes": found.mistakes, "selected": selected}
        | {"lines": {"+mu": lines["+μ"]._asdict(), "-mu": lines["−μ"]._asdict()}},
        rows,
        f"Signed scores over −2yγᵀw_spu, {neurons} neurons, N = {found.samples:,} samples, {found.mistakes:,} of them "
        f"mistakes. At λ = 0 the signed rule selects {100 * selected['signed']:.0f} % of the neurons, the "
        f"absolute one {100 * selected['absolute']:.0f} %.",
        {"scores": score_lines(found, absolute=absolute)},
    )


@lru_cache(KEPT)
def removal(model: DataModel, neurons: int = 100, seed: int = 0, retrain: bool = False) -> Answer:
    """Theorem 4.3 over random networks."""
    from neurontune_core.theory.figures import removal_distances

    found = remove_neurons(model, neurons, seed, retrain=retrain)
    parts = {"nothing": found.before, "selected": found.selected, "random": found.random}
    networks = len(found.selected.distance)
    return Answer(
        "removal",
        asdict(model)
        | {"neurons": neurons, "networks": networks, "retrained": retrain, "selected_closer": found.selected_closer}
        | {"spanning": found.spanning, "removed": {name: _middle(part) for name, part in parts.items()}},
        [
            {
                "removed": name,
                "distance": f"{_middle(part)['distance']:.3f}",
                "accuracy": f"{100 * _middle(part)['accuracy']:.1f} %",
            }
            for name, part in parts.items()
        ],
        f"Medians over {networks:,} random networks of {neurons} neurons. The selection came closer than chance in "
        f"{100 * found.selected_closer:.1f} % of them (ties count as half). In {100 * found.spanning:.0f} % the spared "
        f"neurons still span all {INPUTS} inputs. Accuracy: on samples whose shortcut misleads.",
        {"distances": removal_distances(found)},
    )


def _middle(part: Removed) -> dict[str, float]:
    return {"distance": float(np.median(part.distance)), "accuracy": float(np.nanmedian(part.accuracy))}
