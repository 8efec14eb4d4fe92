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


def expected_worst_class(
    correct: np.ndarray, labels: np.ndarray, units: np.ndarray | None = None, parts: np.ndarray | None = None
) -> Expectation:
    """Compute the worst-class accuracy with a 95 % interval for samples of units that were not seen.

    Of each class the Wilson interval (Wilson, 1927) of as many independent samples as its units make up
    (`effective_count`), with the quantile of Student's t for the number of units. The worst class is at most as
    accurate as any class, so the interval runs from the lowest of the low ends to the lowest of the high ends.

    Args:
        correct: [N] bool, by heads that have not seen the sample.
        labels: [N].
        units: [N] int, samples with the same number belong together; None: each sample is a unit of its own.
        parts: [N] int, which of several heads predicted the sample; where their accuracies differ by more than chance
            explains, so may that of the head that is handed out, and the interval is wider; None: one head.

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
        if parts is not None:
            count = _less_for_differences(correct[rows], parts[rows], count)
        freedom = (rows.sum() if own is None else len(np.unique(own))) - 1
        accuracy = float(correct[rows].mean())
        by_class.append((accuracy, *(_wilson(accuracy, count, student_t(int(freedom))) if freedom else (0.0, 1.0))))
    return Expectation(*(min(each[place] for each in by_class) for place in range(3)))


def _less_for_differences(correct: np.ndarray, parts: np.ndarray, count: float) -> float:
    """Return as how many samples these count when the variance between the heads is added to that of sampling."""
    names, place = np.unique(parts, return_inverse=True)
    if len(names) < 2:
        return count
    sizes = np.bincount(place)
    accuracies = np.bincount(place, weights=correct) / sizes
    p = float(correct.mean())
    single = max(p * (1 - p), 1 / count)
    by_chance = float(np.mean(single / (sizes * count / len(correct))))
    between = max(0.0, float(accuracies.var(ddof=1)) - by_chance)
    return single / (single / count + between)


def _wilson(p: float, n: float, z: float) -> tuple[float, float]:
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    return max(0.0, center - half), min(1.0, center + half)
