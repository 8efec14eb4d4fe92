"""Slices: samples of a class that may share a hidden attribute, found where its mistakes gather."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.projection import principal_axes

_DIMENSIONS = 20  # in which mistakes are clustered
_FEWEST = 5  # samples of a slice


@dataclass(frozen=True, eq=False)
class Slice:
    """Samples that belong together.

    Attributes:
        title: what they have in common, as far as that is known.
        rows: ascending rows of the set.
        accuracy: of the head whose mistakes were looked at.
    """

    title: str
    rows: np.ndarray
    accuracy: float


def mistake_slices(
    embedding_set: EmbeddingSet, predictions: np.ndarray, *, most: int = 4, seed: int = 0
) -> list[Slice]:
    """A mixture of Gaussians on the mistakes of each class; each part is widened to the samples nearest to it.

    The number of parts is chosen by the Bayesian information criterion. A slice holds all samples of the class, hits
    too, that the mixture of that class (mistakes' parts beside one part of the hits) gives to it, after Error
    Slice Discovery's idea (Eyuboglu et al., "Domino", 2022) on embeddings alone.

    Args:
        predictions: [N] of the head whose mistakes are looked at.
        most: parts a class at most.

    Returns:
        Slices with at least five samples, the lowest accuracy first.
    """
    from sklearn.mixture import GaussianMixture

    placed = principal_axes(embedding_set.embeddings, _DIMENSIONS, seed).astype(np.float64)
    right = predictions == embedding_set.labels
    slices: list[Slice] = []
    for label, name in enumerate(embedding_set.class_names):
        own = np.flatnonzero(embedding_set.labels == label)
        wrong, hits = own[~right[own]], own[right[own]]
        if len(wrong) < _FEWEST:
            continue

        def mixture(parts: int, rows: np.ndarray = wrong) -> GaussianMixture:
            return GaussianMixture(parts, covariance_type="diag", reg_covar=1e-3, random_state=seed).fit(placed[rows])

        limit = max(1, min(most, len(wrong) // _FEWEST))
        fitted = [mixture(parts) for parts in range(1, limit + 1)]
        best = min(fitted, key=lambda each: each.bic(placed[wrong]))
        parts = np.log(best.predict_proba(placed[own]) + 1e-300)
        likelihood = parts + (best.score_samples(placed[own]) + np.log(len(wrong)))[:, None]
        if len(hits) >= _FEWEST:
            background = GaussianMixture(1, covariance_type="diag", reg_covar=1e-3, random_state=seed).fit(placed[hits])
            likelihood = np.column_stack([likelihood, background.score_samples(placed[own]) + np.log(len(hits))])
        part = likelihood.argmax(axis=1)
        for number in range(best.n_components):
            rows = own[part == number]
            if len(rows) >= _FEWEST:
                slices.append(Slice(f"{name}, mistakes {number + 1}", rows, float(right[rows].mean())))
    return sorted(slices, key=lambda each: each.accuracy)


def activation_slices(embedding_set: EmbeddingSet, predictions: np.ndarray, neuron: int) -> list[Slice]:
    """The samples of each class on which a neuron fires above the class's 80th percentile: a hidden attribute, perhaps.

    Raises:
        InputError: when there is no such neuron.
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
        rows = own[strength[own] > np.quantile(strength[own], 0.8)]
        if len(rows) >= _FEWEST:
            slices.append(Slice(f"{name}, neuron {neuron} high", rows, float(right[rows].mean())))
    return sorted(slices, key=lambda each: each.accuracy)
