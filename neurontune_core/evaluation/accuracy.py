"""What a head gets right: by class, by group, in the worst group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from neurontune_core.embeddings import EmbeddingSet, OverlappingGroups
from neurontune_core.head import LinearHead
from neurontune_core.statistics import wilson_interval


class Truth(Protocol):
    """What predictions are held against: labels [N], groups [N] or None, their names, and groups that overlap."""

    @property
    def labels(self) -> np.ndarray: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def groups(self) -> np.ndarray | None: ...
    @property
    def group_names(self) -> tuple[str, ...]: ...
    @property
    def overlapping_groups(self) -> OverlappingGroups | None: ...


@dataclass(frozen=True)
class Proportion:
    """So many of so many right."""

    name: str
    correct: int
    n: int

    @property
    def accuracy(self) -> float | None:
        return self.correct / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.correct, self.n)


@dataclass(frozen=True)
class Evaluation:
    """Accuracies of one head on one set.

    Attributes:
        overall: all samples.
        classes, groups: one entry per class and per group; groups is empty when the set has none.
        overlapping_groups: one entry per overlapping group, of which a sample may be in several; else empty.
    """

    overall: Proportion
    classes: tuple[Proportion, ...]
    groups: tuple[Proportion, ...]
    overlapping_groups: tuple[Proportion, ...] = ()

    @property
    def accuracy(self) -> float:
        return self.overall.correct / self.overall.n

    @property
    def worst_class(self) -> Proportion:
        return _worst(self.classes)

    @property
    def worst_class_accuracy(self) -> float:
        return float(self.worst_class.accuracy or 0.0)

    @property
    def worst_group(self) -> Proportion | None:
        """The non-empty group with the lowest accuracy, or None without groups."""
        return _worst(self.groups) if any(part.n for part in self.groups) else None

    @property
    def worst_group_accuracy(self) -> float | None:
        """Never a guess: None without groups."""
        return self.worst_group.accuracy if self.worst_group else None

    def by_overlapping_groups(self) -> Evaluation:
        """The same with the overlapping groups in the place of the groups: another metric under the same names."""
        return replace(self, groups=self.overlapping_groups)

    @property
    def accuracy_gap(self) -> float | None:
        """Average minus worst-group accuracy; None without groups."""
        return None if self.worst_group_accuracy is None else self.accuracy - self.worst_group_accuracy


def _worst(parts: tuple[Proportion, ...]) -> Proportion:
    return min((part for part in parts if part.n), key=lambda part: part.correct / part.n)


def evaluate(head: LinearHead, embedding_set: EmbeddingSet) -> Evaluation:
    """Evaluate a head on a set.

    Raises:
        InputError: when the head does not fit the set.
    """
    head.check_fits(embedding_set.num_neurons, embedding_set.num_classes)
    return evaluate_predictions(head.predict(embedding_set.embeddings), embedding_set)


def evaluate_predictions(predictions: np.ndarray, truth: Truth) -> Evaluation:
    """The same from predictions [N] that are already there."""
    right = predictions == truth.labels
    return Evaluation(
        overall=Proportion("all", int(right.sum()), len(right)),
        classes=_by(truth.labels, truth.class_names, right),
        groups=() if truth.groups is None else _by(truth.groups, truth.group_names, right),
        overlapping_groups=_by_membership(truth.overlapping_groups, right),
    )


def group_shares(tuning: Truth, evaluation: Truth) -> tuple[float, ...] | None:
    """Return [G] how often each group occurs in the tuning set, for `reweighted_accuracy`.

    None when the tuning set has no groups, or the two sets do not have the same ones.
    """
    if tuning.groups is None or tuning.group_names != evaluation.group_names:
        return None
    counts = np.bincount(tuning.groups, minlength=len(tuning.group_names))
    return tuple((counts / len(tuning.groups)).tolist())


def reweighted_accuracy(evaluation: Evaluation, shares: Sequence[float] | None) -> float | None:
    """Return the mean of the group accuracies, weighted by these shares, as some tables report the average.

    None without shares, for other groups than those of the shares, and when a group that has a share has no sample in
    the evaluation set: its accuracy is unknown.

    Args:
        shares: [G] weights that sum to 1 (`group_shares`).

    >>> groups = Proportion("land on land", 9, 10), Proportion("land on water", 1, 2)
    >>> reweighted_accuracy(Evaluation(Proportion("all", 10, 12), (), groups), (0.75, 0.25))
    0.8
    """
    if shares is None or len(shares) != len(evaluation.groups):
        return None
    total = 0.0
    for share, group in zip(shares, evaluation.groups, strict=True):
        if share == 0:
            continue
        if group.accuracy is None:
            return None
        total += share * group.accuracy
    return total


def _by_membership(groups: OverlappingGroups | None, right: np.ndarray) -> tuple[Proportion, ...]:
    if groups is None:
        return ()
    return tuple(
        Proportion(name, int(right[inside].sum()), int(inside.sum()))
        for name, inside in zip(groups.names, groups.members.T, strict=True)
    )


def _by(index: np.ndarray, names: tuple[str, ...], right: np.ndarray) -> tuple[Proportion, ...]:
    n = np.bincount(index, minlength=len(names))
    correct = np.bincount(index, weights=right, minlength=len(names))
    return tuple(Proportion(name, int(c), int(k)) for name, c, k in zip(names, correct, n, strict=True))
