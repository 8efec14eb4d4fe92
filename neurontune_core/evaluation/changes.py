"""What two heads get differently on one set: sample by sample, by class and group, and whether chance explains it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead
from neurontune_core.statistics import mcnemar

Outcome = Literal["kept_wrong", "fixed", "broken", "kept_right"]
OUTCOMES: tuple[Outcome, ...] = ("kept_wrong", "fixed", "broken", "kept_right")  # by 2 * right before + right after

_LEVEL = 0.05


@dataclass(frozen=True)
class ChangeCounts:
    """How many samples of one part of a set were fixed, broken and left as they were."""

    name: str
    kept_wrong: int
    fixed: int
    broken: int
    kept_right: int

    @property
    def n(self) -> int:
        return self.fixed + self.broken + self.kept_right + self.kept_wrong

    @property
    def p_value(self) -> float:
        return mcnemar(self.fixed, self.broken)

    def in_words(self) -> str:
        """ "fixed 41, broke 3: too lopsided to be chance (p < 0.001)"."""
        counts = f"fixed {self.fixed}, broke {self.broken}"
        if self.fixed + self.broken == 0:
            return f"{counts}: nothing changed"
        p = self.p_value
        verdict = "too lopsided to be chance" if p <= _LEVEL else "could be chance"
        return f"{counts}: {verdict} ({'p < 0.001' if p < 0.001 else f'p = {p:.3f}'})"


@dataclass(frozen=True, eq=False)
class Changes:
    """Two heads' predictions on one set.

    Attributes:
        embedding_set: [N] samples.
        before, after: [N] int64 predictions.
    """

    embedding_set: EmbeddingSet
    before: np.ndarray
    after: np.ndarray

    @property
    def fixed(self) -> np.ndarray:
        """Rows that went from wrong to right."""
        return self.rows("fixed")

    @property
    def broken(self) -> np.ndarray:
        """Rows that went from right to wrong."""
        return self.rows("broken")

    def rows(self, outcome: Outcome, *, label: int | None = None, group: int | None = None) -> np.ndarray:
        """Ascending rows with this outcome, of one class, of one group, or of both at once where both are given."""
        return np.flatnonzero((self._outcomes == OUTCOMES.index(outcome)) & _part(self.embedding_set, label, group))

    def in_words(self, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
        """What each row was called before, and what after: the different "animal → vehicle", and which one each has."""
        names = self.embedding_set.class_names
        pairs, which = np.unique(self.before[rows] * len(names) + self.after[rows], return_inverse=True)
        return [f"{names[pair // len(names)]} → {names[pair % len(names)]}" for pair in pairs], which

    def counts(self, *, label: int | None = None, group: int | None = None, name: str = "all") -> ChangeCounts:
        """The counts of what `rows` lists."""
        part = _part(self.embedding_set, label, group)
        return self._count(np.zeros(part.sum(), dtype=np.int64), (name,), self._outcomes[part])[0]

    def by_class(self) -> tuple[ChangeCounts, ...]:
        return self._count(self.embedding_set.labels, self.embedding_set.class_names, self._outcomes)

    def by_group(self) -> tuple[ChangeCounts, ...]:
        """One entry a group; empty without groups."""
        groups = self.embedding_set.groups
        return () if groups is None else self._count(groups, self.embedding_set.group_names, self._outcomes)

    @cached_property
    def _outcomes(self) -> np.ndarray:
        """[N] places in `OUTCOMES`."""
        was, now = (predictions == self.embedding_set.labels for predictions in (self.before, self.after))
        return 2 * was + now

    @staticmethod
    def _count(index: np.ndarray, names: tuple[str, ...], outcomes: np.ndarray) -> tuple[ChangeCounts, ...]:
        table = np.bincount(4 * index + outcomes, minlength=4 * len(names)).reshape(-1, 4).tolist()
        return tuple(
            ChangeCounts(name, **dict(zip(OUTCOMES, row, strict=True))) for name, row in zip(names, table, strict=True)
        )


def changes(before: LinearHead, after: LinearHead, embedding_set: EmbeddingSet) -> Changes:
    """Which samples ``after`` repairs and which it breaks, relative to ``before``.

    Raises:
        InputError: when a head does not fit the set.
    """
    for head in (before, after):
        head.check_fits(embedding_set.num_neurons, embedding_set.num_classes)
    return Changes(embedding_set, before.predict(embedding_set.embeddings), after.predict(embedding_set.embeddings))


def confusion(predictions: np.ndarray, embedding_set: EmbeddingSet, group: int | None = None) -> np.ndarray:
    """[C, C] int64 how many samples of each class (row) are called each class (column), in one group or in all."""
    part, classes = _part(embedding_set, None, group), embedding_set.num_classes
    pairs = embedding_set.labels[part] * classes + predictions[part]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def most_confused(
    predictions: np.ndarray, embedding_set: EmbeddingSet, group: int | None = None, most: int = 20
) -> list[tuple[str, str, int]]:
    """What is most often taken for what: (class, called, how many), the most frequent first; for many classes."""
    part = _part(embedding_set, None, group) & (predictions != embedding_set.labels)
    pairs, counts = np.unique(
        np.column_stack([embedding_set.labels[part], predictions[part]]), axis=0, return_counts=True
    )
    names = embedding_set.class_names
    order = np.argsort(-counts, kind="stable")[:most]
    return [(names[pairs[at, 0]], names[pairs[at, 1]], int(counts[at])) for at in order]


def _part(embedding_set: EmbeddingSet, label: int | None, group: int | None) -> np.ndarray:
    """[N] bool; no sample is in a group of a set without groups."""
    part = np.ones(embedding_set.num_samples, dtype=bool)
    if label is not None:
        part &= embedding_set.labels == label
    if group is not None:
        part &= embedding_set.groups == group
    return part
