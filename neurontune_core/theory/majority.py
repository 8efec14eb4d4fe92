"""Lemma 2: whether hits are mostly samples whose shortcut agrees, and mistakes mostly those whose shortcut misleads."""

from __future__ import annotations

from dataclasses import replace
from math import erf, sqrt
from typing import NamedTuple

import numpy as np

from neurontune_core.theory.data_model import CORE, MU, DataModel
from neurontune_core.theory.lemma import printed


class Majority(NamedTuple):
    """Shares within one class (both classes are alike).

    Attributes:
        agreeing: of the correct samples, those whose shortcut agrees (Eq. 44).
        misled: of the misclassified ones, those whose shortcut misleads (Eq. 47); NaN without a mistake.
        mistakes: of all samples.
    """

    agreeing: float
    misled: float
    mistakes: float


def printed_majority(model: DataModel) -> Majority:
    """Compute Eq. 42 to 47 as printed: the weights of Lemma 1, and variances that add Var(βᵀx_core) and z² η_core².

    Given the class, ``βᵀx_core`` is y − ε_core, so the two are one noise and do not add; that is the slip in σ_1.

    >>> round(printed_majority(DataModel(p=0.95)).misled, 3)
    0.147
    """
    z = printed(model).spurious
    noise = z**2 * (model.eta_core**2 + model.eta_spu**2)
    core = model.eta_core**2
    return _majority(model.p, MU / sqrt(core + noise), (1 - 2 * z) * MU / sqrt((1 - 2 * z) ** 2 * core + noise))


def exact_majority(model: DataModel) -> Majority:
    """Compute the shares under the least-squares model of the classes, whose output is normal given class and a.

    >>> round(exact_majority(DataModel(p=0.9)).misled, 3)
    0.99
    """
    weights = model.classification_optimum()
    deviation = sqrt(weights[0] ** 2 * model.eta_core**2 + weights[CORE] ** 2 * model.eta_spu**2)
    return _majority(
        model.p, MU * (weights[0] + weights[CORE]) / deviation, MU * (weights[0] - weights[CORE]) / deviation
    )


def measured_majority(model: DataModel, samples: int = 200_000, seed: int = 0) -> Majority:
    """Count them in a sample."""
    rng = np.random.default_rng(seed)
    inputs, answers = replace(model, p=1.0).classification_sample(samples, rng)
    agrees = rng.random(samples) < model.p
    inputs[:, CORE] -= np.where(agrees, 0, 2 * answers)  # the shortcut says the opposite
    right = np.sign(inputs @ model.classification_optimum()) == np.sign(answers)
    wrong = int((~right).sum())
    misled = float((~agrees & ~right).sum() / wrong) if wrong else float("nan")
    return Majority(float(agrees[right].mean()), misled, wrong / samples)


def _majority(p: float, agreeing_margin: float, misled_margin: float) -> Majority:
    """Apply Bayes' rule, given mean over deviation of the output where the shortcut agrees, and where it misleads."""
    right = p * _phi(agreeing_margin), (1 - p) * _phi(misled_margin)
    wrong = p * _phi(-agreeing_margin), (1 - p) * _phi(-misled_margin)
    mistakes = sum(wrong)
    return Majority(right[0] / sum(right), wrong[1] / mistakes if mistakes else float("nan"), mistakes)


def _phi(value: float) -> float:
    return (1 + erf(value / sqrt(2))) / 2
