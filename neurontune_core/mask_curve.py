"""What the mask alone does to a head, before any retraining, for every threshold λ in one pass over the embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead

POINTS = 300

_VALUES_PER_BLOCK = 1 << 20  # embeddings and logits taken at a time, in float64


@dataclass(frozen=True, eq=False)
class MaskCurve:
    """Accuracies of the masked head, from all neurons that the rule can mask (first) to none (last).

    Attributes:
        thresholds: [P] float32 values of λ, ascending. Where none was left out, each point holds up to the next.
        num_masked: [P] int64 neurons masked, a person's verdicts included.
        accuracy, worst_class_accuracy: [P] float64, 0..1.
        worst_group_accuracy: [P] float64, or None without groups.
    """

    thresholds: np.ndarray
    num_masked: np.ndarray
    accuracy: np.ndarray
    worst_class_accuracy: np.ndarray
    worst_group_accuracy: np.ndarray | None


def mask_curve(
    head: LinearHead,
    embedding_set: EmbeddingSet,
    neuron_scores: np.ndarray,
    mask_value: float = 0.0,
    *,
    always: np.ndarray | None = None,
    never: np.ndarray | None = None,
    points: int = POINTS,
) -> MaskCurve:
    """The same as evaluating ``head.masked(...)`` at each threshold, but with one product by the whole matrix.

    λ changes the mask only where it passes a score, so the curve has a point at every distinct score and one below
    them all. Neurons are unmasked in the order of their scores and their part of the logits is added, in float64.

    Args:
        head: the head to mask.
        embedding_set: [N, M] the evaluation set.
        neuron_scores: [M], what Eq. 6 compares with λ (`SpuriousnessScores.neuron_scores`).
        mask_value: what masked activations are multiplied by.
        always, never: [M] bool, a person's verdicts: masked or spared whatever the score; never wins.
        points: at most about so many, half of them even steps through the neurons and half even steps of λ.

    Raises:
        InputError: when the head or the scores do not fit the set.
    """
    head.check_fits(embedding_set.num_neurons, embedding_set.num_classes)
    scores = np.asarray(neuron_scores, dtype=np.float32)
    if scores.shape != (head.num_neurons,):
        raise InputError(f"Expected {head.num_neurons} scores, one per neuron, but got shape {list(scores.shape)}.")
    nobody = np.zeros(head.num_neurons, dtype=bool)
    spared = nobody if never is None else never
    forced = (nobody if always is None else always) & ~spared
    free = np.flatnonzero(~forced & ~spared)
    free = free[np.argsort(scores[free], kind="stable")]
    thresholds = _thresholds(scores, points)
    unmasked = np.searchsorted(scores[free], thresholds, side="right")  # masked are the scores above λ (Eq. 6, strict)
    right = _right_by_part(head, embedding_set, mask_value, spared, free, unmasked)
    classes = head.num_classes
    return MaskCurve(
        thresholds=thresholds,
        num_masked=forced.sum() + len(free) - unmasked,
        accuracy=right[:, :classes].sum(axis=1) / embedding_set.num_samples,
        worst_class_accuracy=_worst(right[:, :classes], embedding_set.labels),
        worst_group_accuracy=(
            None if embedding_set.groups is None else _worst(right[:, classes:], embedding_set.groups)
        ),
    )


def _thresholds(scores: np.ndarray, points: int) -> np.ndarray:
    distinct = np.unique(scores)
    distinct = np.concatenate([np.nextafter(distinct[:1], np.float32(-np.inf)), distinct])
    if len(distinct) <= points:
        return distinct
    by_count = np.linspace(0, len(distinct) - 1, points // 2).round().astype(np.int64)
    by_value = np.searchsorted(distinct, np.linspace(distinct[0], distinct[-1], points - len(by_count)))
    return distinct[np.union1d(by_count, by_value)]


def _right_by_part(
    head: LinearHead,
    embedding_set: EmbeddingSet,
    mask_value: float,
    spared: np.ndarray,
    free: np.ndarray,
    unmasked: np.ndarray,
) -> np.ndarray:
    """[P, C + G] samples of each class and group that are right with the first ``unmasked[p]`` of ``free`` unmasked."""
    weight, labels, groups = head.weight.astype(np.float64), embedding_set.labels, embedding_set.groups
    all_masked = weight * np.where(spared, 1.0, mask_value)
    rise = np.ascontiguousarray((1.0 - mask_value) * weight[:, free].T)  # [F, C]
    parts = np.zeros((len(unmasked), head.num_classes + len(embedding_set.group_names)))
    size = max(16, _VALUES_PER_BLOCK // (head.num_neurons + head.num_classes))
    for first in range(0, embedding_set.num_samples, size):
        rows = slice(first, first + size)
        vectors = np.asarray(embedding_set.embeddings[rows], dtype=np.float64)
        # From all masked to none, so that at mask value 0 a sample without active neurons keeps exactly the bias.
        logits = vectors @ all_masked.T + head.bias
        vectors = vectors[:, free]
        right = np.empty((len(unmasked), len(vectors)))
        done = 0
        for point, end in enumerate(unmasked):
            if end > done:
                logits += vectors[:, done:end] @ rise[done:end]
                done = end
            right[point] = logits.argmax(axis=1) == labels[rows]
        parts[:, : head.num_classes] += right @ np.eye(head.num_classes)[labels[rows]]
        if groups is not None:
            parts[:, head.num_classes :] += right @ np.eye(len(embedding_set.group_names))[groups[rows]]
    return parts


def _worst(right: np.ndarray, index: np.ndarray) -> np.ndarray:
    """[P] the lowest share right among the parts that have samples."""
    n = np.bincount(index, minlength=right.shape[1])
    return np.asarray((right[:, n > 0] / n[n > 0]).min(axis=1))
