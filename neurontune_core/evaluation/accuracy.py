"""Accuracy of a head on one set: in all, by class, by group, in the worst group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from neurontune_core.embeddings import EmbeddingSet, OverlappingGroups
from neurontune_core.head import LinearHead
from neurontune_core.statistics import wilson_interval


class Truth(Protocol):
    """Protocol of what predictions are compared with: labels [N], groups [N] or None, names, and overlapping groups."""

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
    """Count of the correct samples among n.

    >>> part = Proportion("water bird", correct=81, n=263)
    >>> round(part.accuracy, 3), [round(bound, 3) for bound in part.interval]
    (0.308, [0.255, 0.366])
    """

    name: str
    correct: int
    n: int

    @property
    def accuracy(self) -> float | None:
        """Return the share of correct samples; None without samples."""
        return self.correct / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % Wilson score interval of the accuracy."""
        return wilson_interval(self.correct, self.n)


@dataclass(frozen=True)
class Evaluation:
    """Accuracies of one head on one set, in 0..1.

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
        """Return the average accuracy: each sample counts once."""
        return self.overall.correct / self.overall.n

    @property
    def worst_class(self) -> Proportion:
        """Return the non-empty class with the lowest accuracy."""
        return _worst(self.classes)

    @property
    def worst_class_accuracy(self) -> float:
        """Return the accuracy of the worst class."""
        return float(self.worst_class.accuracy or 0.0)

    @property
    def worst_group(self) -> Proportion | None:
        """Return the non-empty group with the lowest accuracy; None without groups."""
        return _worst(self.groups) if any(part.n for part in self.groups) else None

    @property
    def worst_group_accuracy(self) -> float | None:
        """Return the accuracy of the worst group; None without groups, never an estimate."""
        return self.worst_group.accuracy if self.worst_group else None

    def by_overlapping_groups(self) -> Evaluation:
        """Return the same evaluation with the overlapping groups as the groups, for the metrics over them."""
        return replace(self, groups=self.overlapping_groups)

    @property
    def accuracy_gap(self) -> float | None:
        """Return the average minus the worst-group accuracy; None without groups."""
        return None if self.worst_group_accuracy is None else self.accuracy - self.worst_group_accuracy


def _worst(parts: tuple[Proportion, ...]) -> Proportion:
    return min((part for part in parts if part.n), key=lambda part: part.correct / part.n)


def evaluate(head: LinearHead, embedding_set: EmbeddingSet) -> Evaluation:
    """Evaluate a head on a set.

    Raises:
        InputError: when the head does not fit the set.

    >>> names = ("land", "water"), ("a", "b", "c")
    >>> samples = EmbeddingSet(np.array([[2.0], [1.0], [-1.0]]), [0, 0, 1], names[0], [0, 1, 2], names[1])
    >>> result = evaluate(LinearHead(np.array([[1.0], [0.0]]), np.array([-1.5, 0.0])), samples)
    >>> result.worst_group.name, result.worst_group_accuracy, result.worst_class_accuracy
    ('b', 0.0, 0.5)
    """
    head.check_fits(embedding_set.num_neurons, embedding_set.num_classes, embedding_set.class_names)
    return evaluate_predictions(head.predict(embedding_set.embeddings), embedding_set)


def evaluate_predictions(predictions: np.ndarray, truth: Truth) -> Evaluation:
    """Evaluate predictions, as `evaluate` does those of a head.

    Args:
        predictions: [N] int, the predicted classes.
        truth: labels and groups, such as an `EmbeddingSet`.

    >>> samples = EmbeddingSet(np.ones((4, 1)), [0, 0, 1, 1], ("land", "water"))
    >>> evaluate_predictions(np.array([0, 1, 1, 1]), samples).accuracy
    0.75
    """
    correct = predictions == truth.labels
    return Evaluation(
        overall=Proportion("all", int(correct.sum()), len(correct)),
        classes=_by(truth.labels, truth.class_names, correct),
        groups=() if truth.groups is None else _by(truth.groups, truth.group_names, correct),
        overlapping_groups=_by_membership(truth.overlapping_groups, correct),
    )


def group_shares(tuning: Truth, evaluation: Truth) -> tuple[float, ...] | None:
    """Return [G] how often each group occurs in the tuning set, for `reweighted_accuracy`.

    None when the tuning set has no groups, or the two sets do not have the same ones.

    >>> samples = EmbeddingSet(np.ones((4, 1)), [0, 0, 1, 1], ("land", "water"), [0, 0, 0, 1], ("a", "b"))
    >>> group_shares(samples, samples)
    (0.75, 0.25)
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
        evaluation: on the evaluation set.
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


def _by_membership(groups: OverlappingGroups | None, correct: np.ndarray) -> tuple[Proportion, ...]:
    if groups is None:
        return ()
    return tuple(
        Proportion(name, int(correct[inside].sum()), int(inside.sum()))
        for name, inside in zip(groups.names, groups.members.T, strict=True)
    )


def _by(index: np.ndarray, names: tuple[str, ...], correct: np.ndarray) -> tuple[Proportion, ...]:
    totals = np.bincount(index, minlength=len(names))
    counts = np.bincount(index, weights=correct, minlength=len(names))
    return tuple(Proportion(name, int(c), int(n)) for name, c, n in zip(names, counts, totals, strict=True))
