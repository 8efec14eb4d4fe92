"""ERM: the head as it was trained, and the last layer trained again on unbalanced batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurontune_core.baselines.base import (
    SELECT_HELP,
    Fitted,
    Select,
    Settings,
    TrainSettings,
    best_of,
    setting,
)
from neurontune_core.baselines.softmax import HeadTrainer, float32_vectors, residual
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


@dataclass(frozen=True)
class AsTrained(Settings):
    """Settings of ERM: there are none."""


@dataclass(frozen=True)
class LastLayerErmSettings(TrainSettings):
    """Settings of plain ERM of the last layer."""

    select: Select = setting("accuracy", SELECT_HELP, choices=Select)


def as_trained(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: AsTrained) -> Fitted:
    """Return the head as it is."""
    return Fitted(head, {})


def last_layer(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: LastLayerErmSettings
) -> Fitted:
    """Train the head further on the tuning set; keep the best epoch on the identification set."""
    trainer = HeadTrainer(head.weight, head.bias, settings)
    return best_of(epochs(trainer, tuning, settings), identification, settings.select)


def epochs(trainer: HeadTrainer, tuning: EmbeddingSet, settings: TrainSettings) -> Iterator[Fitted]:
    """Yield the head after every epoch of mean cross-entropy on batches drawn uniformly from all samples."""
    vectors, rng = float32_vectors(tuning), np.random.default_rng(settings.seed)
    for epoch in range(1, settings.epochs + 1):
        for rows in rng.integers(0, len(vectors), (settings.batches, settings.batch_size)):
            batch, labels = vectors[rows], tuning.labels[rows]
            trainer.step(batch, residual(trainer.logits(batch), labels) / len(rows))
        yield Fitted(trainer.head(), {"epoch": epoch})
