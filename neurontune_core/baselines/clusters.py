"""Pseudo-groups: k-means by cosine for BPA, Gaussian mixtures along the margin for GEORGE."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_MOST_PASSES = 100
_STARTS = 3  # of each mixture, as in GEORGE's code
_MOST_FITTED = 5000  # samples that a mixture is fitted and scored on; all are then assigned


class Clusters(NamedTuple):
    """``assigned`` [N] int64 is 0..k-1; ``centers`` [k, M] have length 1."""

    assigned: np.ndarray
    centers: np.ndarray


def cosine_kmeans(vectors: np.ndarray, count: int, rng: np.random.Generator) -> Clusters:
    """Run spherical k-means: samples go to the center of largest cosine, centers are normalized means.

    Starts from k-means++ and runs until no sample moves. Rows of zeros are as near to every center as to any other and
    go to the first. A cluster that loses all its samples keeps its center.

    Args:
        vectors: [N, M] float32.
        count: k; at most N are made.
        rng: draws the first centers.

    >>> vectors = np.array([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0]], dtype=np.float32)
    >>> assigned = cosine_kmeans(vectors, 2, np.random.default_rng(0)).assigned
    >>> bool(assigned[0] == assigned[1] != assigned[2])
    True
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(length > 0, length, 1)
    return lloyd(units, _spread(units, min(count, len(units)), rng))


def lloyd(units: np.ndarray, centers: np.ndarray) -> Clusters:
    """Run Lloyd's iterations from centers [k, M], on rows of length 1."""
    assigned = np.full(len(units), -1)
    for _ in range(_MOST_PASSES):
        nearest = (units @ centers.T).argmax(axis=1)
        if np.array_equal(nearest, assigned):
            break
        assigned = nearest
        members = np.zeros((len(centers), len(units)), dtype=units.dtype)
        members[assigned, np.arange(len(units))] = 1
        sums = members @ units
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centers = np.where(length > 0, sums / np.where(length > 0, length, 1), centers)
    return Clusters(assigned, centers)


def _spread(units: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the first centers by k-means++: in proportion to the squared distance from those drawn already."""
    rows = [int(rng.integers(len(units)))]
    distance = np.full(len(units), np.inf)
    while len(rows) < count:
        distance = np.minimum(distance, np.maximum(2 - 2 * (units @ units[rows[-1]]).astype(np.float64), 0))
        total = distance.sum()
        rows.append(int(rng.choice(len(units), p=distance / total if total > 0 else None)))
    return np.asarray(units[rows])


class MarginMixture:
    """A mixture of Gaussians in one dimension, its size chosen by the mean over clusters of their mean silhouettes.

    Every cluster counts alike, however few samples it has; of equal sizes the larger is taken, as in GEORGE's code.

    Args:
        margins: [N] float.
        most: the largest size tried; the smallest is 2. Fewer than four distinct values make one cluster.
        seed: of the mixtures; each starts three times.

    Attributes:
        count: Gaussians of the mixture, k.
    """

    def __init__(self, margins: np.ndarray, most: int, seed: int) -> None:
        from sklearn.metrics import silhouette_samples
        from sklearn.mixture import GaussianMixture

        drawn = np.random.default_rng(seed).permutation(len(margins))[:_MOST_FITTED]
        column = margins[drawn, None]
        distinct = len(np.unique(column))
        self._mixture, highest = None, -np.inf
        for size in range(2, min(most, distinct - 1) + 1) if distinct > 3 else ():
            mixture = GaussianMixture(size, n_init=_STARTS, random_state=seed).fit(column)
            labels = mixture.predict(column)
            occurring = np.unique(labels)
            if len(occurring) < 2:
                continue
            silhouettes = silhouette_samples(column, labels)
            score = float(np.mean([silhouettes[labels == label].mean() for label in occurring]))
            if score >= highest:
                self._mixture, highest = mixture, score
        self.count = 1 if self._mixture is None else self._mixture.n_components

    def assign(self, margins: np.ndarray) -> np.ndarray:
        """Assign margins [N] to clusters, [N] int64 in 0..k-1."""
        if self._mixture is None or len(margins) == 0:
            return np.zeros(len(margins), dtype=np.int64)
        return np.asarray(self._mixture.predict(margins[:, None]))
