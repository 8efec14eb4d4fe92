"""Distributions of one neuron's activation magnitudes, correct and misclassified samples apart, in shared bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 32


@dataclass(frozen=True, eq=False)
class Distribution:
    """Activation magnitudes of one neuron on one class, correct and misclassified samples apart.

    Attributes:
        edges: [BINS + 1] of the bins.
        correct, incorrect: [BINS] share of the correct and of the misclassified samples in each bin; zeros without any.
        num_correct, num_incorrect: how many there are.
        median_correct, median_incorrect: NaN without samples.
    """

    edges: np.ndarray
    correct: np.ndarray
    incorrect: np.ndarray
    num_correct: int
    num_incorrect: int
    median_correct: float
    median_incorrect: float


def distributions_of(activations: np.ndarray, classes: Sequence[np.ndarray], right: np.ndarray) -> list[Distribution]:
    """Compute the distributions of one neuron on several classes, in the same bins.

    Args:
        activations: [N].
        classes: the samples of each class, [N] bool.
        right: [N] bool, the correctly classified samples.

    >>> (bird,) = distributions_of(np.array([0.0, 1.0, 4.0]), [np.ones(3, bool)], np.array([True, True, False]))
    >>> bird.num_correct, bird.median_correct, bird.median_incorrect, float(bird.edges[-1])
    (2, 0.5, 4.0, 4.0)
    """
    values = np.abs(activations)
    edges = np.linspace(0.0, max(float(values[mine].max(initial=0.0)) for mine in classes) or 1.0, BINS + 1)
    return [_distribution(edges, values[mine & right], values[mine & ~right]) for mine in classes]


def _distribution(edges: np.ndarray, *outcomes: np.ndarray) -> Distribution:
    correct, incorrect = (np.histogram(part, edges)[0] / max(1, len(part)) for part in outcomes)
    medians = [float(np.median(part)) if len(part) else float("nan") for part in outcomes]
    return Distribution(edges, correct, incorrect, len(outcomes[0]), len(outcomes[1]), medians[0], medians[1])
