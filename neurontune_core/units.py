"""Samples that belong together: units, which no fold, half or interval may tear apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_CAUTION = 5  # units of perfect agreement that are added to those that were seen


def unit_numbers(*columns: np.ndarray | None) -> np.ndarray | None:
    """Number the units: samples with the same text in any of the columns belong together, also by way of others.

    Args:
        columns: each [N] text or None, where None is a sample that the column joins with no other; or no column.

    Returns:
        [N] int64 in 0..U-1, numbered by first occurrence; None where every sample is a unit of its own.

    >>> patients = np.array(["ann", "ann", "bob", None], dtype=object)
    >>> unit_numbers(patients, np.array([None, "p1", None, "p1"], dtype=object)).tolist()
    [0, 0, 1, 0]
    >>> unit_numbers(None, np.array(["a", "b"], dtype=object))
    """
    present = [column for column in columns if column is not None]
    if not present:
        return None
    leader = list(range(len(present[0])))

    def first(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    for column in present:
        seen: dict[str, int] = {}
        for row, name in enumerate(column):
            if name is not None:
                a, b = first(seen.setdefault(name, row)), first(row)
                leader[max(a, b)] = min(a, b)
    numbers = np.unique([first(row) for row in range(len(leader))], return_inverse=True)[1].astype(np.int64)
    return numbers if numbers.max(initial=-1) < len(numbers) - 1 else None


def deal_units(labels: np.ndarray, units: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Deal whole units to parts, so that each part has about as many samples of every class.

    The largest units are dealt first, those of one size in random order; each goes to the part in which it leaves the
    shares of the classes most even.

    Args:
        labels: [N] in 0..C-1.
        units: [N] int, as `unit_numbers` gives them.
        parts: how many.
        rng: decides between equal units and equal parts.

    Returns:
        [N] int64 in 0..parts-1.

    >>> labels, units = np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 3, 3])
    >>> part = deal_units(labels, units, 2, np.random.default_rng(0))
    >>> bool(part[0] == part[1] != part[2] == part[3]), bool(part[4] != part[5] == part[6])
    (True, True)
    """
    classes, count = int(labels.max()) + 1, int(units.max()) + 1
    of_unit = np.zeros((count, classes))
    np.add.at(of_unit, (units, labels), 1.0)
    of_unit /= np.maximum(of_unit.sum(axis=0), 1)  # shares, so that a rare class counts as much
    order = rng.permutation(count)
    order = order[np.argsort(-np.round(of_unit[order].sum(axis=1), 12), kind="stable")]
    filled, part = np.zeros((parts, classes)), np.empty(count, dtype=np.int64)
    for unit in order:
        cost = ((filled + of_unit[unit]) ** 2 - filled**2).sum(axis=1)
        part[unit] = rng.choice(np.flatnonzero(cost <= cost.min() + 1e-12))
        filled[part[unit]] += of_unit[unit]
    return part[units]


def units_by_class(labels: np.ndarray, units: np.ndarray | None, num_classes: int) -> np.ndarray:
    """Count [C] the units that have a sample of each class; the samples where units are None.

    >>> units_by_class(np.array([0, 0, 1]), np.array([0, 0, 0]), 2).tolist()
    [1, 1]
    """
    if units is None:
        return np.bincount(labels, minlength=num_classes)
    pairs = np.unique(np.stack([units, labels]), axis=1)
    return np.bincount(pairs[1], minlength=num_classes)


def design_effect(outcomes: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Compute by how much units raise the variance of a mean over samples (Kish, 1965).

    The squared sums of the deviations by unit, over those of single samples; at least 1. Of a constant outcome it is 1.

    Args:
        outcomes: [n] or [n, M] numbers.
        units: [n] int.

    Returns:
        a scalar, or [M].

    >>> design_effect(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1])).item()
    4.0
    >>> design_effect(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 1, 2, 3])).item()
    1.3333333333333333
    """
    deviations = outcomes - outcomes.mean(axis=0)
    names, place = np.unique(units, return_inverse=True)
    sums = np.zeros((len(names), *deviations.shape[1:]))
    np.add.at(sums, place, deviations)
    single = np.square(deviations).sum(axis=0)
    few = len(names) / max(1, len(names) - 1)  # as the sample variance divides by one less
    together = few * np.square(sums).sum(axis=0)
    return np.maximum(1.0, np.divide(together, single, out=np.ones_like(together), where=single > 0))


def effective_count(outcomes: np.ndarray, units: np.ndarray | None) -> float:
    """Compute as how many independent samples these count for their mean.

    With U units of m samples on average, n / (1 + (m' - 1) r), where r is the correlation within units and m' the mean
    size of a sample's unit. r is estimated from the outcomes (`design_effect`) and, as a few units say little about it,
    drawn towards 1 as if five more units had perfect agreement: a handful of units counts as little more than that
    handful, even where all outcomes are alike.

    Args:
        outcomes: [n] numbers.
        units: [n] int, or None where each sample is a unit of its own.

    >>> effective_count(np.ones(6), None), effective_count(np.ones(6), np.array([0, 0, 0, 1, 1, 1]))
    (6.0, 2.4705882352941173)
    """
    if units is None or not len(units):
        return float(len(outcomes))
    sizes = np.unique(units, return_counts=True)[1]
    size = float(np.square(sizes).sum() / len(units))
    if size == 1:
        return float(len(outcomes))
    estimated = min(1.0, (float(design_effect(outcomes, units)) - 1) / (size - 1))
    agreement = (len(sizes) * estimated + _CAUTION) / (len(sizes) + _CAUTION)
    return len(outcomes) / (1 + (size - 1) * agreement)


def kept_texts(values: Sequence[object] | np.ndarray | None) -> np.ndarray | None:
    """Return [N] texts and None, which "" and NaN count as; None where no sample has a text.

    >>> kept_texts(["a", "", None]).tolist(), kept_texts([None, ""])
    (['a', None, None], None)
    """
    if values is None:
        return None
    names = [None if value is None or value == "" or value != value else str(value) for value in values]
    return np.array(names, dtype=object) if any(name is not None for name in names) else None
