"""Accuracy of the masked head before any retraining, for every threshold λ in one pass over the embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.kernels.half import as_float32
from neurontune_core.mask import with_verdicts

POINTS = 300
_VALUES_PER_BLOCK = 1 << 20  # embeddings and logits processed at a time, in float64


@dataclass(frozen=True, eq=False)
class MaskCurve:
    """Accuracies of the masked head, from all neurons that the rule can mask (first) to none (last).

    Attributes:
        thresholds: [P] float32 values of λ, ascending. Unless points were left out, each holds up to the next.
        num_masked: [P] int64 neurons masked, the user's verdicts included.
        accuracy, worst_class_accuracy: [P] float64, 0..1.
        worst_group_accuracy: [P] float64, or None without groups.
    """

    thresholds: np.ndarray
    num_masked: np.ndarray
    accuracy: np.ndarray
    worst_class_accuracy: np.ndarray
    worst_group_accuracy: np.ndarray | None


class MaskCurves:
    """Curves over λ of one head and set, one for each mask value that is asked for.

    λ changes the mask only where it passes a score, so a curve has a point at every distinct score and one below all
    scores.

    Let U be the part of the logits that comes from unmasked neurons at a point, and A that of all neurons. The logits
    at mask value v are (1 - v) U + v A + bias. Neurons are unmasked in the order of their scores and added to U, in
    float64. U does not depend on v, and is kept where it needs little memory.

    Args:
        head: the head to mask.
        embedding_set: [N, M] the evaluation set.
        neuron_scores: [M], what Eq. 6 compares with λ (`SpuriousnessScores.neuron_scores`).
        always, never: [M] bool, the user's verdicts: masked or spared whatever the score; ``never`` wins.
        points: about how many at most; half of them are even steps through the neurons, half even steps of λ.
        most_bytes: memory that may be kept from one mask value to the next.

    Raises:
        InputError: when the head, the scores or the verdicts do not fit the set.

    >>> samples = EmbeddingSet(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 1], ("land", "water"))
    >>> curve = MaskCurves(LinearHead(np.eye(2), np.zeros(2)), samples, np.array([0.1, 0.2]))(mask_value=0.0)
    >>> curve.num_masked.tolist(), curve.accuracy.tolist()
    ([2, 1, 0], [0.5, 0.5, 1.0])
    """

    def __init__(
        self,
        head: LinearHead,
        embedding_set: EmbeddingSet,
        neuron_scores: np.ndarray,
        *,
        always: np.ndarray | None = None,
        never: np.ndarray | None = None,
        points: int = POINTS,
        most_bytes: int = 1 << 27,
    ) -> None:
        head.check_fits(embedding_set.num_neurons, embedding_set.num_classes, embedding_set.class_names)
        scores = np.asarray(neuron_scores, dtype=np.float32)
        if scores.shape != (head.num_neurons,):
            raise InputError(f"Expected {head.num_neurons} scores, one per neuron, but got shape {list(scores.shape)}.")
        at_most = with_verdicts(np.ones(head.num_neurons, dtype=bool), always, never)
        forced = with_verdicts(np.zeros(head.num_neurons, dtype=bool), always, never)
        self._spared = ~at_most
        free = np.flatnonzero(at_most & ~forced)
        self._free = free[np.argsort(scores[free], kind="stable")]
        self._ascending = scores[self._free]
        self._head, self._set = head, embedding_set
        self.thresholds = _thresholds(scores, points)
        # Masked are the scores above λ (Eq. 6, strict).
        self._unmasked = np.searchsorted(self._ascending, self.thresholds, side="right")
        self.num_masked = forced.sum() + len(free) - self._unmasked
        size = 4 * len(self.thresholds) * embedding_set.num_samples * head.num_classes
        self._kept = self._whole() if size <= most_bytes else None

    def __call__(self, mask_value: float) -> MaskCurve:
        """Return the curve at one mask value, the factor of masked activations."""
        correct = np.zeros((len(self.thresholds), self._head.num_classes + len(self._set.group_names)))
        for rows, everything, parts in self._blocks() if self._kept is None else [self._kept]:
            correct += self._correct(rows, everything, parts, mask_value)
        classes = self._head.num_classes
        return MaskCurve(
            thresholds=self.thresholds,
            num_masked=self.num_masked,
            accuracy=correct[:, :classes].sum(axis=1) / self._set.num_samples,
            worst_class_accuracy=_worst(correct[:, :classes], self._set.labels),
            worst_group_accuracy=None if self._set.groups is None else _worst(correct[:, classes:], self._set.groups),
        )

    def predictions(self, threshold: float, mask_value: float) -> np.ndarray | None:
        """Return [N] predictions of the masked head at any λ, from the nearest point below; None where none is kept."""
        if self._kept is None:
            return None
        _, everything, parts = self._kept
        exact = np.float32(threshold)
        point = max(int(np.searchsorted(self.thresholds, exact, side="right")) - 1, 0)
        end = np.searchsorted(self._ascending, exact, side="right")
        more = self._free[self._unmasked[point] : end]
        unmasked = parts[point]
        if len(more):
            rise = np.asarray(self._set.embeddings[:, more], dtype=np.float32) @ self._head.weight[:, more].T
            unmasked = unmasked + rise
        logits = (1.0 - mask_value) * unmasked + mask_value * everything + self._head.bias
        return np.asarray(logits.argmax(axis=1))

    def _correct(
        self, rows: slice, everything: np.ndarray, parts: Iterable[np.ndarray], mask_value: float
    ) -> np.ndarray:
        """Count the correct samples of each class and group among ``rows``, [P, C + G]."""
        labels, groups = self._set.labels[rows], self._set.groups
        constant = mask_value * everything + self._head.bias
        correct = np.empty((len(self.thresholds), len(labels)), dtype=np.float32)
        binary = self._head.num_classes == 2  # a comparison is many times faster; as in argmax, the first wins a tie
        for point, unmasked in enumerate(parts):
            logits = (1.0 - mask_value) * unmasked + constant
            predictions = logits[:, 1] > logits[:, 0] if binary else logits.argmax(axis=1)
            correct[point] = predictions == labels
        parts_of = [np.eye(self._head.num_classes, dtype=np.float32)[labels]]
        count = len(self._set.group_names)
        parts_of.append(np.zeros((len(labels), count)) if groups is None else np.eye(count)[groups[rows]])
        return correct @ np.hstack(parts_of)

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray, Iterator[np.ndarray]]]:
        """Yield blocks of rows, their A [n, C], and their U [n, C] at every point in turn."""
        size = max(16, _VALUES_PER_BLOCK // (self._head.num_neurons + self._head.num_classes))
        for first in range(0, self._set.num_samples, size):
            rows = slice(first, first + size)
            vectors = as_float32(self._set.embeddings[rows]).astype(np.float64)
            weight = self._head.weight.astype(np.float64)
            yield rows, vectors @ weight.T, self._unmasking(vectors, weight)

    def _unmasking(self, vectors: np.ndarray, weight: np.ndarray) -> Iterator[np.ndarray]:
        # From all masked to none, so that at mask value 0 a sample without active neurons keeps exactly the bias.
        logits = vectors @ np.where(self._spared, weight, 0).T
        vectors, rise = vectors[:, self._free], np.ascontiguousarray(weight[:, self._free].T)
        done = 0
        for end in self._unmasked:
            if end > done:
                logits += vectors[:, done:end] @ rise[done:end]
                done = end
            yield logits

    def _whole(self) -> tuple[slice, np.ndarray, np.ndarray]:
        """Return A and U of all rows."""
        shape = (self._set.num_samples, self._head.num_classes)
        everything = np.empty(shape, dtype=np.float32)
        parts = np.empty((len(self.thresholds), *shape), dtype=np.float32)
        for rows, part, points in self._blocks():
            everything[rows] = part
            for point, unmasked in enumerate(points):
                parts[point, rows] = unmasked
        return slice(None), everything, parts


def mask_curve(
    head: LinearHead, embedding_set: EmbeddingSet, neuron_scores: np.ndarray, mask_value: float = 0.0, **options: Any
) -> MaskCurve:
    """Evaluate ``head.masked(...)`` at every threshold, with one product by the whole weight matrix.

    Args:
        options: as in `MaskCurves`, of which nothing is kept.

    >>> samples = EmbeddingSet(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 1], ("land", "water"))
    >>> mask_curve(LinearHead(np.eye(2), np.zeros(2)), samples, np.array([0.1, 0.2])).worst_class_accuracy.tolist()
    [0.0, 0.0, 1.0]
    """
    return MaskCurves(head, embedding_set, neuron_scores, **options, most_bytes=0)(mask_value)


def _thresholds(scores: np.ndarray, points: int) -> np.ndarray:
    distinct = np.unique(scores)
    distinct = np.concatenate([np.nextafter(distinct[:1], np.float32(-np.inf)), distinct])
    if len(distinct) <= points:
        return distinct
    by_count = np.linspace(0, len(distinct) - 1, points // 2).round().astype(np.int64)
    by_value = np.searchsorted(distinct, np.linspace(distinct[0], distinct[-1], points - len(by_count)))
    return distinct[np.union1d(by_count, by_value)]


def _worst(correct: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return [P], the lowest accuracy among the parts that have samples."""
    n = np.bincount(index, minlength=correct.shape[1])
    return np.asarray((correct[:, n > 0] / n[n > 0]).min(axis=1))
