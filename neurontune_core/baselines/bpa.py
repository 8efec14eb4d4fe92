"""BPA on the head: clusters within each class, weighted by size and by loss (Seo et al., 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurontune_core.baselines.base import Fitted, TrainSettings, best_of, setting
from neurontune_core.baselines.clusters import cosine_kmeans
from neurontune_core.baselines.softmax import HeadTrainer, cross_entropy, float32_vectors, residual
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


@dataclass(frozen=True)
class BpaSettings(TrainSettings):
    """The paper trains the whole network with Adam at 1e-4 and decay 1e-2; the larger rate is ours, for a head.

    As in the public code all weights start at 1; here they are updated after each epoch, there when a sample is drawn.
    """

    clusters: int = setting(8, "clusters of each class", low=1)
    smoothing: float = setting(0.3, "share of the new weights when they are updated after an epoch", low=1e-6, high=1)
    optimizer: Literal["sgd", "adamw"] = setting("adamw", "sgd or adamw", choices=Literal["sgd", "adamw"])
    weight_decay: float = setting(1e-2, "weight decay")


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: BpaSettings) -> Fitted:
    """Cluster the tuning set once, train on it from the ERM head, keep the best epoch on the identification set."""
    clusters = pseudo_groups(
        float32_vectors(tuning), tuning.labels, settings.clusters, np.random.default_rng(settings.seed)
    )
    return best_of(_epochs(head, tuning, clusters, settings), identification, settings.select)


def pseudo_groups(vectors: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Cluster each class by cosine; return [N] int64 clusters, numbered over all classes."""
    out = np.empty(len(labels), dtype=np.int64)
    begin = 0
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        assigned, centers = cosine_kmeans(vectors[own], count, rng)
        out[own] = begin + assigned
        begin += len(centers)
    return out


def cluster_weights(clusters: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return BPA's weights, [N] (N / N_k) · (L_k / ΣL) of each sample's cluster k, scaled to mean 1.

    Args:
        clusters: [N] int.
        losses: [N]; L_k is their mean over cluster k.

    >>> cluster_weights(np.array([0, 0, 1]), np.array([1.0, 1.0, 1.0])).tolist()
    [0.75, 0.75, 1.5]
    """
    counts = np.bincount(clusters)
    mean_losses = np.bincount(clusters, losses) / np.maximum(counts, 1)
    weights = (mean_losses / np.maximum(counts, 1))[clusters]
    return np.asarray(weights / weights.mean())


def _epochs(head: LinearHead, tuning: EmbeddingSet, clusters: np.ndarray, settings: BpaSettings) -> Iterator[Fitted]:
    vectors, labels = float32_vectors(tuning), tuning.labels
    rng = np.random.default_rng([settings.seed, 1])
    trainer = HeadTrainer(head.weight, head.bias, settings)
    weights = np.ones(len(labels))
    for epoch in range(1, settings.epochs + 1):
        for rows in rng.integers(0, len(vectors), (settings.batches, settings.batch_size)):
            batch = vectors[rows]
            gradient = residual(trainer.logits(batch), labels[rows]) * weights[rows, None]
            trainer.step(batch, gradient / len(rows))
        fresh = cluster_weights(clusters, cross_entropy(trainer.logits(vectors), labels))
        weights = (1 - settings.smoothing) * weights + settings.smoothing * fresh
        yield Fitted(trainer.head(), {"epoch": epoch})
