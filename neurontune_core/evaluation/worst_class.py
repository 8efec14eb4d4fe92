"""Compare two heads by their worst class, with the standard error of the difference."""

from __future__ import annotations

import numpy as np


def worst_class_lead(ahead: np.ndarray, behind: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return how far one head's worst-class accuracy exceeds another's, and the standard error of the difference.

    Where both heads have the same worst class the samples are paired. The standard deviation is at least 1/n, so that
    a difference without any spread is not certain.

    Args:
        ahead, behind: [N] bool, which samples either head classifies correctly.
        labels: [N].

    >>> labels = np.array([0, 0, 0, 0, 1, 1])
    >>> lead, error = worst_class_lead(labels < 9, np.array([True, False, False, False, True, True]), labels)
    >>> lead, round(error, 3)
    (0.75, 0.217)
    """
    present = np.unique(labels)
    accuracies = [[correct[labels == label].mean() for label in present] for correct in (ahead, behind)]
    worst = [present[int(np.argmin(by_class))] for by_class in accuracies]
    lead = min(accuracies[0]) - min(accuracies[1])
    a, b = ahead[labels == worst[0]].astype(float), behind[labels == worst[1]].astype(float)
    if worst[0] == worst[1]:
        error = max((a - b).std(), 1 / len(a)) / len(a) ** 0.5
    else:
        error = (max(a.var(), 1 / len(a)) / len(a) + max(b.var(), 1 / len(b)) / len(b)) ** 0.5
    return float(lead), float(error)
