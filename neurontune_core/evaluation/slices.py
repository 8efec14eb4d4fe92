"""Slices: samples of one class that may share a hidden attribute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.pairs import PairedPredictions
from neurontune_core.evaluation.projection import principal_axes

_DIMENSIONS = 20  # principal axes on which misclassified samples are clustered
_FEWEST = 5  # samples of a slice
_HIGH = 0.8  # quantile of a class above which an activation is high


@dataclass(frozen=True, eq=False)
class Slice:
    """Samples of one class that may share a hidden attribute.

    Attributes:
        title: what they have in common, as far as that is known.
        rows: ascending rows of the set.
        accuracy: of the head whose predictions were sliced, in 0..1.
    """

    title: str
    rows: np.ndarray
    accuracy: float


def mistake_slices(
    embedding_set: EmbeddingSet, predictions: np.ndarray, *, most: int = 4, seed: int = 0
) -> list[Slice]:
    """Cluster the misclassified samples of each class, and add to each cluster the samples that belong to it.

    The clusters are a mixture of Gaussians; their number is chosen by the Bayesian information criterion. A slice holds
    all samples of the class, also correct ones, that are more likely under the cluster than under the other clusters
    and one Gaussian of the correct samples: slice discovery (Eyuboglu et al., "Domino", 2022) on embeddings alone.

    Args:
        embedding_set: [N, M] the samples.
        predictions: [N] of the head whose misclassified samples are clustered.
        most: clusters per class at most.
        seed: of the mixtures.

    Returns:
        Slices with at least five samples, the lowest accuracy first.

    >>> vectors = np.random.default_rng(0).normal(size=(30, 2)) + np.repeat([[0, 0], [9, 0]], [5, 25], axis=0)
    >>> samples = EmbeddingSet(vectors, np.zeros(30, dtype=int), ("bird", "plane"))
    >>> (cluster,) = mistake_slices(samples, predictions=np.repeat([1, 0], [5, 25]))
    >>> cluster.title, cluster.rows.tolist(), cluster.accuracy
    ('bird, misclassified 1', [0, 1, 2, 3, 4], 0.0)
    """
    from sklearn.mixture import GaussianMixture

    projected = principal_axes(embedding_set.embeddings, _DIMENSIONS, seed).astype(np.float64)
    right = predictions == embedding_set.labels
    slices: list[Slice] = []
    for label, name in enumerate(embedding_set.class_names):
        own = np.flatnonzero(embedding_set.labels == label)
        wrong, correct = own[~right[own]], own[right[own]]
        if len(wrong) < _FEWEST:
            continue

        def mixture(parts: int, rows: np.ndarray = wrong) -> GaussianMixture:
            return GaussianMixture(parts, covariance_type="diag", reg_covar=1e-3, random_state=seed).fit(
                projected[rows]
            )

        limit = max(1, min(most, len(wrong) // _FEWEST))
        fitted = [mixture(parts) for parts in range(1, limit + 1)]
        best = min(fitted, key=lambda fit: fit.bic(projected[wrong]))
        parts = np.log(best.predict_proba(projected[own]) + 1e-300)
        likelihood = parts + (best.score_samples(projected[own]) + np.log(len(wrong)))[:, None]
        if len(correct) >= _FEWEST:
            background = GaussianMixture(1, covariance_type="diag", reg_covar=1e-3, random_state=seed).fit(
                projected[correct]
            )
            likelihood = np.column_stack([likelihood, background.score_samples(projected[own]) + np.log(len(correct))])
        part = likelihood.argmax(axis=1)
        for number in range(best.n_components):
            rows = own[part == number]
            if len(rows) >= _FEWEST:
                slices.append(Slice(f"{name}, misclassified {number + 1}", rows, float(right[rows].mean())))
    return sorted(slices, key=lambda part: part.accuracy)


def pair_slices(paired: PairedPredictions) -> list[Slice]:
    """Return the pairs whose prediction is correct with one attribute and misclassified with the other.

    Args:
        paired: a head's predictions for the pairs of a set.

    Returns:
        Slices with both samples of each pair, of one class and of one attribute that is misclassified; with at least
        five samples, the largest first. Half of the samples of each are correct.

    >>> names = ("happy, no tag", "happy, tag")
    >>> faces = EmbeddingSet(np.eye(6), np.zeros(6, int), ("happy",), [0, 1] * 3, names, pairs=list("aabbcc"))
    >>> from neurontune_core.evaluation.pairs import find_pairs
    >>> (part,) = pair_slices(PairedPredictions(faces, np.array([0, 1] * 3), find_pairs(faces)))
    >>> part.title, len(part.rows), part.accuracy
    ('happy, misclassified only with "tag"', 6, 0.5)
    """
    slices = []
    members = np.stack([paired.pairs.without, paired.pairs.with_attribute], axis=1)
    for part in paired.counts():
        own = paired.of_part(part)
        for side, right, wrong in (
            (part.with_attribute, paired.right_without, paired.right_with),
            (part.without, paired.right_with, paired.right_without),
        ):
            rows = np.sort(members[own & right & ~wrong].ravel())
            if len(rows) >= _FEWEST:
                slices.append(Slice(f'{part.label}, misclassified only with "{side}"', rows, 0.5))
    return sorted(slices, key=lambda part: -len(part.rows))


def hard_slices(embedding_set: EmbeddingSet, predictions: np.ndarray, hard: np.ndarray) -> list[Slice]:
    """Return the samples of each class that are probably hard: guesses of `inferred_groups`, never group labels.

    Args:
        embedding_set: [N, M] the samples.
        predictions: [N] of the head whose accuracy is measured.
        hard: [N] bool.

    Returns:
        Slices with at least five samples, the lowest accuracy first.

    >>> samples = EmbeddingSet(np.ones((6, 1)), np.zeros(6, dtype=int), ("bird",))
    >>> (part,) = hard_slices(samples, samples.labels, np.arange(6) > 0)
    >>> part.title, len(part.rows)
    ('bird, probably hard (guessed)', 5)
    """
    right, slices = predictions == embedding_set.labels, []
    for label, name in enumerate(embedding_set.class_names):
        rows = np.flatnonzero((embedding_set.labels == label) & hard)
        if len(rows) >= _FEWEST:
            slices.append(Slice(f"{name}, probably hard (guessed)", rows, float(right[rows].mean())))
    return sorted(slices, key=lambda part: part.accuracy)


def activation_slices(embedding_set: EmbeddingSet, predictions: np.ndarray, neuron: int) -> list[Slice]:
    """Return the samples of each class whose activation of a neuron is above the 80th percentile of the class.

    Args:
        embedding_set: [N, M] the samples.
        predictions: [N] of the head whose accuracy is measured.
        neuron: in 0..M-1; its activations count in magnitude.

    Returns:
        Slices with at least five samples, the lowest accuracy first; a class may have none.

    Raises:
        InputError: when there is no such neuron.

    >>> samples = EmbeddingSet(np.arange(25.0)[:, None], np.zeros(25, dtype=int), ("bird",))
    >>> activation_slices(samples, samples.labels, neuron=0)[0].rows.tolist()
    [20, 21, 22, 23, 24]
    """
    if not 0 <= neuron < embedding_set.num_neurons:
        raise InputError(f"There is no neuron {neuron}; there are 0..{embedding_set.num_neurons - 1}.")
    strength = np.abs(np.asarray(embedding_set.embeddings[:, neuron], dtype=np.float32))
    right = predictions == embedding_set.labels
    slices = []
    for label, name in enumerate(embedding_set.class_names):
        own = np.flatnonzero(embedding_set.labels == label)
        if not len(own):
            continue
        rows = own[strength[own] > np.quantile(strength[own], _HIGH)]
        if len(rows) >= _FEWEST:
            slices.append(Slice(f"{name}, neuron {neuron} high", rows, float(right[rows].mean())))
    return sorted(slices, key=lambda part: part.accuracy)
