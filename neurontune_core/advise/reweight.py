"""Retraining with the hard samples weighted up, for data that hides its few counter-examples in every set.

A sample is hard when it lies nearer to the mean of another class than to that of its own: the simplest linear rule
gets it wrong. Where a shortcut is strong that rule leans on it, so counter-examples are frequent among its mistakes
(the idea of JTT, with class means instead of a first training). Ours, not the paper's.
"""

from __future__ import annotations

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead
from neurontune_core.kernels.half import as_float32
from neurontune_core.tuning.normalize import Normalizer

_MOST_TIMES = 10.0  # as heavy as this many other samples of its class
_MOST_SHARE = 0.25  # of the weight of a class: where classes overlap, many samples are hard without a shortcut
_PENALTY = 0.01  # C of the logistic regression, on standardised neurons
_STEPS, _TOLERANCE = 300, 1e-3
_MOST_SAMPLES = 10_000  # of a set, as many of each class at most: more of them cost minutes and gigabytes


def hard_samples(vectors: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """[N] bool: nearer to the mean of another class than to that of the other samples of its own.

    Args:
        vectors: [N, M], standardised.
        labels: [N] in 0..C-1; every class has two samples at least.
        num_classes: C.
    """
    means = np.stack([vectors[labels == label].mean(axis=0) for label in range(num_classes)])
    lengths = np.einsum("nm,nm->n", vectors, vectors)
    squared = lengths[:, None] - 2 * vectors @ means.T + np.square(means).sum(axis=1)
    count = np.bincount(labels, minlength=num_classes)[labels]
    rows = np.arange(len(labels))
    squared[rows, labels] *= (count / (count - 1)) ** 2  # the distance once the sample has left its own mean
    return np.asarray(squared.argmin(axis=1) != labels)


def sample_weights(hard: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N], 1 on average: the same sum for every class, and in each the hard ones weighted up within both limits."""
    weights = np.ones(len(labels))
    classes = np.unique(labels)
    for label in classes:
        of_class = labels == label
        many, few = np.sum(of_class & ~hard), np.sum(of_class & hard)
        if many and few:
            times = min(_MOST_TIMES, _MOST_SHARE / (1 - _MOST_SHARE) * many / few)
            weights[of_class & hard] = max(1.0, times)
        weights[of_class] *= len(labels) / len(classes) / weights[of_class].sum()
    return weights


def thinned(each: EmbeddingSet, seed: int) -> EmbeddingSet:
    """The set, or where it is large a part of it, drawn at random within each class."""
    if each.num_samples <= _MOST_SAMPLES:
        return each
    most, rng = max(2, _MOST_SAMPLES // each.num_classes), np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(each.labels == label))[:most] for label in range(each.num_classes)]
    return each.take(np.sort(np.concatenate(rows)))


def reweighted(sets: list[EmbeddingSet], seed: int = 0) -> tuple[LinearHead, float]:
    """The head that logistic regression gives on all these sets together, and what share of their samples is hard.

    Args:
        sets: of large ones a part is drawn.
        seed: for that.
    """
    from sklearn.linear_model import LogisticRegression

    sets = [thinned(each, seed) for each in sets]
    labels, classes = np.concatenate([each.labels for each in sets]), sets[0].num_classes
    raw = np.concatenate([as_float32(each.embeddings) for each in sets])
    normalizer = Normalizer.fit(raw, "standardize")
    vectors = normalizer.apply(raw)
    del raw  # as large again
    hard = hard_samples(vectors, labels, classes)
    model = LogisticRegression(C=_PENALTY, max_iter=_STEPS, tol=_TOLERANCE)
    model.fit(vectors, labels, sample_weight=sample_weights(hard, labels))
    weight, bias = model.coef_, model.intercept_
    head = LinearHead.from_binary(weight[0], bias[0]) if classes == 2 else LinearHead(weight, bias)
    return normalizer.fold(head), float(hard.mean())
