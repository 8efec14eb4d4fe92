"""Retraining with upweighted hard samples, for data whose few counter-examples hide in every set.

A sample is hard when it is nearer to the mean of another class than to that of its own: the simplest linear rule
misclassifies it. Where a shortcut is strong, that rule relies on it, so its mistakes hold many counter-examples (the
idea of JTT, with class means instead of a first training). The method is ours, not the paper's.
"""

from __future__ import annotations

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead
from neurontune_core.kernels.half import as_float32
from neurontune_core.tuning.normalize import Normalizer

_MOST_TIMES = 10.0  # weight of a hard sample over that of another sample of its class
_MOST_SHARE = 0.25  # of a class's weight: where classes overlap, many samples are hard without a shortcut
_PENALTY = 0.01  # C of the logistic regression, on standardized neurons
_STEPS, _TOLERANCE = 300, 1e-3
_MOST_SAMPLES = 10_000  # of a set, as many of each class at most: more of them cost minutes and gigabytes


def hard_samples(vectors: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return [N] bool, the samples nearer to the mean of another class than to that of their own class's others.

    Args:
        vectors: [N, M], standardized.
        labels: [N] in 0..C-1; every class has two samples at least.
        num_classes: C.

    >>> vectors = np.array([[0.0], [1.0], [9.0], [8.0], [9.0], [10.0]])
    >>> hard_samples(vectors, np.array([0, 0, 0, 1, 1, 1]), num_classes=2).tolist()
    [False, False, True, False, False, False]
    """
    means = np.stack([vectors[labels == label].mean(axis=0) for label in range(num_classes)])
    lengths = np.einsum("nm,nm->n", vectors, vectors)
    squared = lengths[:, None] - 2 * vectors @ means.T + np.square(means).sum(axis=1)
    count = np.bincount(labels, minlength=num_classes)[labels]
    rows = np.arange(len(labels))
    squared[rows, labels] *= (count / (count - 1)) ** 2  # the distance once the sample has left its own mean
    return np.asarray(squared.argmin(axis=1) != labels)


def sample_weights(hard: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return [N] weights of mean 1: the same sum for every class, and more for its hard samples, within both limits.

    Args:
        hard: [N] bool.
        labels: [N].

    >>> sample_weights(np.array([True, False, False, False, False, False, False]), np.zeros(7, dtype=int)).tolist()
    [1.75, 0.875, 0.875, 0.875, 0.875, 0.875, 0.875]
    """
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


def thinned(embedding_set: EmbeddingSet, seed: int) -> EmbeddingSet:
    """Return the set, or at random at most 10,000 / C samples of each class of a larger one."""
    if embedding_set.num_samples <= _MOST_SAMPLES:
        return embedding_set
    labels, classes = embedding_set.labels, embedding_set.num_classes
    most, rng = max(2, _MOST_SAMPLES // classes), np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(labels == label))[:most] for label in range(classes)]
    return embedding_set.take(np.sort(np.concatenate(rows)))


def reweighted(sets: list[EmbeddingSet], seed: int = 0, factors: np.ndarray | None = None) -> tuple[LinearHead, float]:
    """Fit a logistic regression on these sets together, with upweighted hard samples.

    Args:
        sets: the sets; of a large one a part is drawn (`thinned`).
        seed: of the parts.
        factors: [M] that multiply the standardized activations the head is fitted on; folded into it. Which samples are
            hard is measured without them.

    Returns:
        the head, and the share of the samples that are hard.
    """
    from sklearn.linear_model import LogisticRegression

    sets = [thinned(samples, seed) for samples in sets]
    labels, classes = np.concatenate([samples.labels for samples in sets]), sets[0].num_classes
    raw = np.concatenate([as_float32(samples.embeddings) for samples in sets])
    normalizer = Normalizer.fit(raw, "standardize")
    vectors = normalizer.apply(raw)
    del raw  # it needs as much memory as the vectors
    hard = hard_samples(vectors, labels, classes)
    model = LogisticRegression(C=_PENALTY, max_iter=_STEPS, tol=_TOLERANCE)
    factors = np.ones(vectors.shape[1], dtype=np.float32) if factors is None else factors
    if (factors != 1).any():
        vectors = vectors * factors
    model.fit(vectors, labels, sample_weight=sample_weights(hard, labels))
    weight, bias = model.coef_, model.intercept_
    head = LinearHead.from_binary(weight[0], bias[0]) if classes == 2 else LinearHead(weight, bias)
    return normalizer.fold(head.masked(factors)), float(hard.mean())
