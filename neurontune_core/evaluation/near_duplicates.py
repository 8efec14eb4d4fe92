"""Near-duplicate vectors: samples of a set that are so alike that they say little more than one of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.kernels.half import as_float32
from neurontune_core.units import unit_numbers

ALIKE = (
    0.8  # cosine of centered vectors; of reviews that differ in a room number 99 % are above, of others 1 % above 0.66
)
_BLOCK = 1024
_MOST_SAMPLES = 4000  # of either set that are compared; 4,000 x 2,048 take about two seconds
_TYPICAL = 0.99  # quantile of the likeness to the nearest sample of the other set, which chance explains
_FEWER = 0.8  # share of distinct samples below which it is said


class Distinct(NamedTuple):
    """How many samples were compared, and as how many distinct ones they look; units count as one already."""

    samples: int
    units: int
    distinct: int

    @property
    def few(self) -> bool:
        """Return whether there are far fewer distinct samples than units."""
        return self.distinct < _FEWER * self.units


def count_distinct(samples: EmbeddingSet, reference: EmbeddingSet) -> Distinct:
    """Count the samples of a set, with near duplicates of one class as one.

    Two vectors are near duplicates when the cosine between them, centered, exceeds `ALIKE`, and exceeds what 99 % of
    the samples reach with their nearest of as many samples of the reference: where any two samples of a class are
    alike, such as in an embedding of few neurons, that is no repetition.

    Args:
        samples: the set; of a large one the first 4,000.
        reference: another set of the same data, such as the tuning set.

    >>> rng = np.random.default_rng(0)
    >>> once, other = rng.normal(size=(50, 32)), EmbeddingSet(rng.normal(size=(99, 32)), [0] * 99, ("a",))
    >>> twice = EmbeddingSet(np.repeat(once, 2, axis=0) + rng.normal(size=(100, 32)) / 9, [0] * 100, ("a",))
    >>> count_distinct(twice, other)
    Distinct(samples=100, units=100, distinct=50)
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = min(samples.num_samples, _MOST_SAMPLES)
    labels = samples.labels[:count]
    vectors = as_float32(samples.embeddings[:count])
    center = vectors.mean(axis=0)
    vectors = _unit_length(vectors - center)
    nearest = np.full(count, -1.0)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        others = np.flatnonzero(reference.labels == label)
        if len(others):
            spread = np.linspace(0, len(others) - 1, min(len(others), len(rows))).astype(int)
            others = _unit_length(as_float32(reference.embeddings[others[spread]]) - center)
            nearest[rows] = [block.max() for block in vectors[rows] @ others.T]
    threshold = max(ALIKE, float(np.quantile(nearest, _TYPICAL)))
    first, second = [np.arange(count)], [np.arange(count)]
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        for start in range(0, len(rows), _BLOCK):
            a, b = np.nonzero(vectors[rows[start : start + _BLOCK]] @ vectors[rows].T > threshold)
            first.append(rows[start + a])
            second.append(rows[b])
    units = unit_numbers(samples.units, samples.pairs)
    known = np.arange(count) if units is None else units[:count]
    leaders = {number: row for row, number in reversed(list(enumerate(known.tolist())))}
    first.append(np.arange(count))
    second.append(np.array([leaders[number] for number in known.tolist()]))
    rows, columns = np.concatenate(first), np.concatenate(second)
    graph = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(count, count))
    return Distinct(count, len(leaders), int(connected_components(graph, directed=False)[0]))


def _unit_length(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
