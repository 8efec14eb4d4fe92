"""Lemma 3 and A.3: retraining the last layer on data with another agreement, and on re-weighted data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.theory.data_model import CORE, DataModel, draw
from neurontune_core.theory.lemma import SAMPLES, Weights, exact
from neurontune_core.theory.neuron_scores import random_first_layers


def printed_retraining(model: DataModel, agreement: float) -> Weights:
    """Compute Eq. 48: the weight on the shortcut after retraining; the core's weight is one minus it, as in Lemma 1.

    >>> round(printed_retraining(DataModel(), 0.7).spurious, 3)
    0.396
    """
    core, spu = model.eta_core**2, model.eta_spu**2
    spurious = (2 * agreement - 1) * core / (core + spu)
    return Weights(1 - spurious, spurious)


def reweighted(model: DataModel, weight: float) -> float:
    """Return the agreement p' in data of agreement p whose misled samples count ``weight`` times.

    At weight p / (1 − p) it is 0.5, where the shortcut says nothing. Weights that make p' smaller are refused.

    Raises:
        InputError: when the shortcut would agree with the answer less than half of the time, or the weight is below 0.

    >>> round(reweighted(DataModel(p=0.95), 19.0), 3)
    0.5
    """
    agreement = model.p / (model.p + (1 - model.p) * weight) if weight >= 0 else -1.0
    if not 0.5 - 1e-9 <= agreement <= 1:
        raise InputError(
            f"Expected a weight of the misled samples between 0 and p / (1 − p), so that the shortcut agrees at least "
            f"half of the time, but got {weight:g}."
        )
    return max(0.5, agreement)


def exact_retraining(model: DataModel, agreement: float) -> Weights:
    """Return the best weights on data of this agreement: retraining reaches them when the neurons span all inputs."""
    return exact(replace(model, p=agreement))


def measured_retraining(
    model: DataModel, agreement: float, weight: float = 1.0, neurons: int = 20, seed: int = 0, samples: int = SAMPLES
) -> Weights:
    """Fit the last layer of a random network to a sample by weighted least squares.

    Args:
        model: the noises of the data.
        agreement: p of the retraining data.
        weight: how often a sample counts whose shortcut misleads.
        neurons: M of the network, at least as many as inputs.
        seed: of network and sample.
        samples: N.

    >>> measured_retraining(DataModel(), 0.5).spurious < 0.05
    True
    """
    rng = np.random.default_rng(seed)
    first = random_first_layers(1, neurons, rng)[0]
    drawn = replace(model, p=1.0).regression_sample(draw(samples, rng))
    inputs, answers = drawn[0].astype(np.float64), drawn[1].astype(np.float64)
    misled = rng.random(samples) >= agreement
    inputs[misled, CORE] -= 2 * answers[misled]
    root = np.sqrt(np.where(misled, weight, 1.0))
    last = np.linalg.lstsq(root[:, None] * (inputs @ first.T), root * answers)[0]
    function = last @ first
    return Weights(float(function[0]), float(function[CORE]))
