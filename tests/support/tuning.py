"""Sets on which every head makes mistakes, and settings that retrain one in a blink."""

from __future__ import annotations

import numpy as np

from neurontune_core import EmbeddingSet, TuneConfig

NAMES = ("a", "b", "c")
# λ = 0 would soon choose all of so few neurons; at 0.25 about half are masked, and the mask moves.
QUICK = TuneConfig(epochs=4, batches=10, batch_size=30, learning_rate=0.02, threshold=0.25)


def noisy(seed: int, samples: int = 150, neurons: int = 11, classes: int = 3) -> EmbeddingSet:
    """Return classes that overlap, so that every head makes mistakes; non-negative as after a ReLU."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(samples) % classes)
    shift = np.random.default_rng(99).normal(size=(classes, neurons)) * 0.5
    embeddings = np.maximum(rng.normal(size=(samples, neurons)) + shift[labels] + 0.5, 0).astype(np.float32)
    return EmbeddingSet(embeddings, labels, NAMES[:classes])
