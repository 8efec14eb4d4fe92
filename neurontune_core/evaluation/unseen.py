"""The worst-class accuracy to expect on unseen samples; its interval respects which samples belong together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurontune_core.statistics import student_t
from neurontune_core.units import effective_count


class Expectation(NamedTuple):
    """An accuracy in 0..1, and the ends of its 95 % interval."""

    accuracy: float
    low: float
    high: float


def expected_worst_class(correct: np.ndarray, labels: np.ndarray, units: np.ndarray | None = None) -> Expectation:
    """Compute the worst-class accuracy with a 95 % interval for samples of units that were not seen.

    Of each class the Wilson interval (Wilson, 1927) of as many independent samples as its units make up
    (`effective_count`), with the quantile of Student's t for the number of units. The worst class is at most as
    accurate as any class, so the interval runs from the lowest of the low ends to the lowest of the high ends.

    Args:
        correct: [N] bool, by heads that have not seen the sample.
        labels: [N].
        units: [N] int, samples with the same number belong together; None: each sample is a unit of its own.

    >>> labels, units = np.repeat([0, 1], 100), np.repeat(np.arange(10), 20)
    >>> correct = np.arange(200) % 10 < 9
    >>> [round(value, 2) for value in expected_worst_class(correct, labels)]
    [0.9, 0.82, 0.95]
    >>> [round(value, 2) for value in expected_worst_class(correct, labels, units)]
    [0.9, 0.45, 0.99]
    """
    by_class = []
    for label in np.unique(labels):
        rows = labels == label
        own = None if units is None else units[rows]
        count = effective_count(correct[rows].astype(float), own)
        freedom = (rows.sum() if own is None else len(np.unique(own))) - 1
        accuracy = float(correct[rows].mean())
        by_class.append((accuracy, *(_wilson(accuracy, count, student_t(int(freedom))) if freedom else (0.0, 1.0))))
    return Expectation(*(min(each[place] for each in by_class) for place in range(3)))


def _wilson(p: float, n: float, z: float) -> tuple[float, float]:
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    return max(0.0, center - half), min(1.0, center + half)
