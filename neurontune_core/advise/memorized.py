"""Signs that the network has memorized the tuning set: its classes lie apart there, and less so elsewhere."""

from __future__ import annotations

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.kernels.half import as_float32

_MOST_SAMPLES = 10_000  # of a set, as many of each class; more would change nothing but the time


def spread_growth(identification: EmbeddingSet, tuning: EmbeddingSet) -> float:
    """Return how many times larger the spread of the classes is on the identification set than on the tuning set.

    The spread is the variance within classes over the variance between their means. Training draws the classes of the
    samples that it sees together; of a network that has memorized them, others lie wider apart.

    >>> rng = np.random.default_rng(0)
    >>> labels, noise = np.arange(2000) % 2, rng.normal(size=(2000, 3))
    >>> seen, other = (EmbeddingSet(9 * labels[:, None] + s * noise, labels, ("a", "b")) for s in (0.5, 1.0))
    >>> round(spread_growth(other, seen), 1), spread_growth(seen, seen)
    (4.0, 1.0)
    """
    return _spread(identification) / max(_spread(tuning), 1e-12)


def _spread(samples: EmbeddingSet) -> float:
    means, within = [], []
    for label in np.unique(samples.labels):
        rows = np.flatnonzero(samples.labels == label)
        vectors = as_float32(samples.embeddings[rows[: _MOST_SAMPLES // samples.num_classes]])
        means.append(vectors.mean(axis=0))
        within.append(float(vectors.var(axis=0).sum()))
    return float(np.mean(within)) / max(float(np.var(means, axis=0).sum()), 1e-12)
