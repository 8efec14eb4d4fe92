"""LfF with two heads: samples that are hard for a biased head weigh more for a debiased one (Nam et al., 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurontune_core.baselines.base import Fitted, TrainSettings, best_of, setting
from neurontune_core.baselines.softmax import HeadTrainer, cross_entropy, float32_vectors, residual
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


@dataclass(frozen=True)
class LffSettings(TrainSettings):
    """The paper's choices; both heads start from zero, as its two networks do."""

    epochs: int = setting(40, "epochs; one of them is kept", low=1)
    amplification: float = setting(0.7, "q of the generalized cross-entropy (1 − p^q) / q", low=1e-6, high=1)
    smoothing: float = setting(0.7, "share of the old value in the running loss of a sample", high=0.9999)
    optimizer: Literal["sgd", "adamw"] = setting("adamw", "sgd or adamw", choices=Literal["sgd", "adamw"])


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: LffSettings) -> Fitted:
    """Train both heads on the tuning set and keep the debiased one's best epoch; ``head`` is not used."""
    return best_of(_epochs(tuning, settings), identification, settings.select)


def generalized_residual(logits: np.ndarray, labels: np.ndarray, q: float) -> np.ndarray:
    """Return [N, C], the gradient of (1 − p^q) / q by the logits: p^q times that of the cross-entropy.

    Args:
        logits: [N, C].
        labels: [N]; p is the probability of the label.
        q: amplification.

    >>> generalized_residual(np.zeros((1, 2)), np.array([0]), q=1.0).tolist()
    [[-0.25, 0.25]]
    """
    gradient = residual(logits, labels)
    probability = 1 + gradient[np.arange(len(labels)), labels]
    return np.asarray(gradient * (probability**q)[:, None])


def _epochs(tuning: EmbeddingSet, settings: LffSettings) -> Iterator[Fitted]:
    vectors, labels = float32_vectors(tuning), tuning.labels
    rng = np.random.default_rng(settings.seed)
    biased = HeadTrainer.zeros(tuning.num_classes, tuning.num_neurons, settings)
    debiased = HeadTrainer.zeros(tuning.num_classes, tuning.num_neurons, settings)
    running = np.zeros((2, len(labels)))  # of the biased and of the debiased head
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    largest = np.ones((2, tuning.num_classes))
    for epoch in range(1, settings.epochs + 1):
        for rows in rng.integers(0, len(vectors), (settings.batches, settings.batch_size)):
            batch, own = vectors[rows], labels[rows]
            logits = biased.logits(batch), debiased.logits(batch)
            for head, outputs in enumerate(logits):
                fresh = cross_entropy(outputs, own)
                running[head, rows] = settings.smoothing * running[head, rows] + (1 - settings.smoothing) * fresh
            for members in classes:
                largest[:, labels[members[0]]] = running[:, members].max(axis=1)
            scaled = running[:, rows] / np.maximum(largest[:, own], 1e-12)
            weights = scaled[0] / np.maximum(scaled.sum(axis=0), 1e-8)
            biased.step(batch, generalized_residual(logits[0], own, settings.amplification) / len(rows))
            debiased.step(batch, residual(logits[1], own) * weights[:, None] / len(rows))
        yield Fitted(debiased.head(), {"epoch": epoch})
