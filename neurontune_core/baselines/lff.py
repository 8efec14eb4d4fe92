"""LfF with two heads: what a biased head finds hard, a debiased head learns more from (Nam et al., 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurontune_core.baselines.base import Candidate, Fitted, TrainSettings, best_of, setting
from neurontune_core.baselines.softmax import HeadTrainer, cross_entropy, residual, widened
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


@dataclass(frozen=True)
class LffSettings(TrainSettings):
    """The paper's choices; both heads start from zero, as its two networks start afresh."""

    epochs: int = setting(40, "epochs; one of them is kept", low=1)
    amplification: float = setting(0.7, "q of the generalised cross-entropy (1 − p^q) / q", low=1e-6, high=1)
    smoothing: float = setting(0.7, "share of the old value in the running loss of a sample", high=0.9999)
    optimizer: Literal["sgd", "adamw"] = setting("adamw", "sgd or adamw", choices=Literal["sgd", "adamw"])


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: LffSettings) -> Fitted:
    """Train both heads on the tuning set and keep the debiased one's best epoch; the given head is not used."""
    return Fitted(*best_of(_epochs(tuning, settings), identification, settings.select))


def generalised_residual(logits: np.ndarray, labels: np.ndarray, q: float) -> np.ndarray:
    """[N, C] the gradient of (1 − p^q) / q by the logits: p^q times that of the cross-entropy."""
    push = residual(logits, labels)
    own = 1 + push[np.arange(len(labels)), labels]
    return np.asarray(push * (own**q)[:, None])


def _epochs(tuning: EmbeddingSet, settings: LffSettings) -> Iterator[Candidate]:
    vectors, labels = widened(tuning), tuning.labels
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
            for head, each in enumerate(logits):
                fresh = cross_entropy(each, own)
                running[head, rows] = settings.smoothing * running[head, rows] + (1 - settings.smoothing) * fresh
            for members in classes:
                largest[:, labels[members[0]]] = running[:, members].max(axis=1)
            scaled = running[:, rows] / np.maximum(largest[:, own], 1e-12)
            weights = scaled[0] / np.maximum(scaled.sum(axis=0), 1e-8)
            biased.step(batch, generalised_residual(logits[0], own, settings.amplification) / len(rows))
            debiased.step(batch, residual(logits[1], own) * weights[:, None] / len(rows))
        yield Candidate(debiased.head(), {"epoch": epoch})
