"""Compare two heads by their worst class, with the standard error of the difference."""

from __future__ import annotations

import numpy as np

from neurontune_core.units import effective_count


def worst_class_lead(
    ahead: np.ndarray, behind: np.ndarray, labels: np.ndarray, units: np.ndarray | None = None
) -> tuple[float, float]:
    """Return how far one head's worst-class accuracy exceeds another's, and the standard error of the difference.

    Where both heads have the same worst class the samples are paired. The standard deviation is at least 1/n, so that
    a difference without any spread is not certain.

    Args:
        ahead, behind: [N] bool, which samples either head classifies correctly.
        labels: [N].
        units: [N] int, samples with the same number belong together and raise the error where they agree; None: each
            sample is a unit of its own.

    >>> labels = np.array([0, 0, 0, 0, 1, 1])
    >>> lead, error = worst_class_lead(labels < 9, np.array([True, False, False, False, True, True]), labels)
    >>> lead, round(error, 3)
    (0.75, 0.217)
    """
    present = np.unique(labels)
    accuracies = [[correct[labels == label].mean() for label in present] for correct in (ahead, behind)]
    worst = [present[int(np.argmin(by_class))] for by_class in accuracies]
    lead = min(accuracies[0]) - min(accuracies[1])
    rows = [np.flatnonzero(labels == label) for label in worst]
    a, b = ahead[rows[0]].astype(float), behind[rows[1]].astype(float)
    of_unit = [None if units is None else units[part] for part in rows]
    if worst[0] == worst[1]:
        count = effective_count(a - b, of_unit[0])
        error = max((a - b).std(), 1 / count) / count**0.5
    else:
        counts = effective_count(a, of_unit[0]), effective_count(b, of_unit[1])
        error = (max(a.var(), 1 / counts[0]) / counts[0] + max(b.var(), 1 / counts[1]) / counts[1]) ** 0.5
    return float(lead), float(error)
