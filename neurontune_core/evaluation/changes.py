"""Changes between the predictions of two heads on one set: by sample, class and group, with a significance test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead
from neurontune_core.statistics import mcnemar

Outcome = Literal["kept_wrong", "fixed", "broken", "kept_right"]
OUTCOMES: tuple[Outcome, ...] = ("kept_wrong", "fixed", "broken", "kept_right")  # by 2 * correct before + correct after

_LEVEL = 0.05  # of the significance test


@dataclass(frozen=True)
class ChangeCounts:
    """Counts of the samples of one part of a set that were fixed, broken, kept right and kept wrong.

    >>> ChangeCounts("all", kept_wrong=7, fixed=41, broken=3, kept_right=50).in_words()
    '41 corrected, 3 newly wrong: too unequal to be chance (p < 0.001)'
    """

    name: str
    kept_wrong: int
    fixed: int
    broken: int
    kept_right: int

    @property
    def n(self) -> int:
        """Return the number of samples."""
        return self.fixed + self.broken + self.kept_right + self.kept_wrong

    @property
    def p_value(self) -> float:
        """Return the exact two-sided p-value of McNemar's test."""
        return mcnemar(self.fixed, self.broken)

    def in_words(self) -> str:
        """Say how many were corrected and newly wrong, and whether chance explains the difference."""
        counts = f"{self.fixed} corrected, {self.broken} newly wrong"
        if self.fixed + self.broken == 0:
            return f"{counts}: nothing changed"
        p = self.p_value
        verdict = "too unequal to be chance" if p <= _LEVEL else "could be chance"
        return f"{counts}: {verdict} ({'p < 0.001' if p < 0.001 else f'p = {p:.3f}'})"


@dataclass(frozen=True, eq=False)
class Changes:
    """Two heads' predictions on one set.

    Attributes:
        embedding_set: [N] samples.
        before, after: [N] int64 predictions of the first and the second head.
    """

    embedding_set: EmbeddingSet
    before: np.ndarray
    after: np.ndarray

    @property
    def fixed(self) -> np.ndarray:
        """Return the rows that went from wrong to right."""
        return self.rows("fixed")

    @property
    def broken(self) -> np.ndarray:
        """Return the rows that went from right to wrong."""
        return self.rows("broken")

    def rows(self, outcome: Outcome, *, label: int | None = None, group: int | None = None) -> np.ndarray:
        """Return the ascending rows with this outcome, of one class, one group, or of both at once."""
        return np.flatnonzero((self._outcomes == OUTCOMES.index(outcome)) & _part(self.embedding_set, label, group))

    def in_words(self, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Describe the change of each of these rows.

        Returns:
            the different texts such as "animal → vehicle", and [len(rows)] which of them each row has.
        """
        names = self.embedding_set.class_names
        pairs, which = np.unique(self.before[rows] * len(names) + self.after[rows], return_inverse=True)
        return [f"{names[pair // len(names)]} → {names[pair % len(names)]}" for pair in pairs], which

    def counts(self, *, label: int | None = None, group: int | None = None, name: str = "all") -> ChangeCounts:
        """Count the outcomes of one class, one group, or both at once; ``name`` is that of the result."""
        part = _part(self.embedding_set, label, group)
        return self._count(np.zeros(part.sum(), dtype=np.int64), (name,), self._outcomes[part])[0]

    def by_class(self) -> tuple[ChangeCounts, ...]:
        """Count the outcomes of every class."""
        return self._count(self.embedding_set.labels, self.embedding_set.class_names, self._outcomes)

    def by_group(self) -> tuple[ChangeCounts, ...]:
        """Count the outcomes of every group; empty without groups."""
        groups = self.embedding_set.groups
        return () if groups is None else self._count(groups, self.embedding_set.group_names, self._outcomes)

    @cached_property
    def _outcomes(self) -> np.ndarray:
        """Return [N] places in `OUTCOMES`."""
        was, now = (predictions == self.embedding_set.labels for predictions in (self.before, self.after))
        return 2 * was + now

    @staticmethod
    def _count(index: np.ndarray, names: tuple[str, ...], outcomes: np.ndarray) -> tuple[ChangeCounts, ...]:
        table = np.bincount(4 * index + outcomes, minlength=4 * len(names)).reshape(-1, 4).tolist()
        return tuple(
            ChangeCounts(name, **dict(zip(OUTCOMES, row, strict=True))) for name, row in zip(names, table, strict=True)
        )


def changes(before: LinearHead, after: LinearHead, embedding_set: EmbeddingSet) -> Changes:
    """Compare two heads on a set: which samples ``after`` fixes and which it breaks, relative to ``before``.

    Raises:
        InputError: when a head does not fit the set.

    >>> samples = EmbeddingSet(np.array([[1.0], [-1.0]]), [0, 1], ("land", "water"))
    >>> heads = [LinearHead(np.array([[sign], [0.0]]), np.zeros(2)) for sign in (-1.0, 1.0)]
    >>> changes(*heads, samples).fixed.tolist()
    [0, 1]
    """
    for head in (before, after):
        head.check_fits(embedding_set.num_neurons, embedding_set.num_classes, embedding_set.class_names)
    return Changes(embedding_set, before.predict(embedding_set.embeddings), after.predict(embedding_set.embeddings))


def confusion(predictions: np.ndarray, embedding_set: EmbeddingSet, group: int | None = None) -> np.ndarray:
    """Return the confusion matrix, [C, C] int64: samples by class (row) and predicted class (column).

    Args:
        predictions: [N].
        embedding_set: [N] samples.
        group: count this group alone; None counts all samples.

    >>> samples = EmbeddingSet(np.ones((3, 1)), [0, 0, 1], ("land", "water"))
    >>> confusion(np.array([0, 1, 1]), samples).tolist()
    [[1, 1], [0, 1]]
    """
    part, classes = _part(embedding_set, None, group), embedding_set.num_classes
    pairs = embedding_set.labels[part] * classes + predictions[part]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def most_confused(
    predictions: np.ndarray, embedding_set: EmbeddingSet, group: int | None = None, most: int = 20
) -> list[tuple[str, str, int]]:
    """Return the largest off-diagonal cells of the confusion matrix, for sets of many classes.

    Args:
        predictions: [N].
        embedding_set: [N] samples.
        group: count this group alone; None counts all samples.
        most: cells at most.

    Returns:
        (class, predicted class, count), the largest count first.

    >>> samples = EmbeddingSet(np.ones((3, 1)), [0, 0, 1], ("land", "water"))
    >>> most_confused(np.array([1, 1, 1]), samples)
    [('land', 'water', 2)]
    """
    part = _part(embedding_set, None, group) & (predictions != embedding_set.labels)
    pairs, counts = np.unique(
        np.column_stack([embedding_set.labels[part], predictions[part]]), axis=0, return_counts=True
    )
    names = embedding_set.class_names
    order = np.argsort(-counts, kind="stable")[:most]
    return [(names[pairs[at, 0]], names[pairs[at, 1]], int(counts[at])) for at in order]


def _part(embedding_set: EmbeddingSet, label: int | None, group: int | None) -> np.ndarray:
    """Return [N] bool, the samples of this class and group; a set without groups has none in any."""
    part = np.ones(embedding_set.num_samples, dtype=bool)
    if label is not None:
        part &= embedding_set.labels == label
    if group is not None:
        part &= embedding_set.groups == group
    return part
