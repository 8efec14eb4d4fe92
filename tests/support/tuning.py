"""Sets on which every head makes mistakes, settings that retrain one in a blink, and a slow Eq. 5."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig
from neurontune_core.tuning.result import TuneResult

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


def slow_scores(head: LinearHead, identification: EmbeddingSet) -> np.ndarray:
    """Compute [C, M] Eq. 5 with np.median."""
    wrong = head.predict(identification.embeddings) != identification.labels
    delta = np.zeros(head.weight.shape, np.float32)
    for label in range(head.num_classes):
        bad = np.abs(identification.embeddings[(identification.labels == label) & wrong])
        good = np.abs(identification.embeddings[(identification.labels == label) & ~wrong])
        if len(bad) and len(good):
            delta[label] = np.median(bad, axis=0) - np.median(good, axis=0)
    return delta


def same_run(first: TuneResult, second: TuneResult) -> bool:
    """Return whether two runs have the same head bit for bit and the same history but for the masks."""
    return (
        np.array_equal(first.head.weight, second.head.weight)
        and np.array_equal(first.head.bias, second.head.bias)
        and [replace(record, num_biased=0) for record in first.history]
        == [replace(record, num_biased=0) for record in second.history]
    )
