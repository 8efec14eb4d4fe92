"""SSL+ERM: a linear head trained by ERM, from zero, on features that were learned without labels."""

from __future__ import annotations

from dataclasses import dataclass

from neurontune_core.baselines.base import Fitted, best_of, setting
from neurontune_core.baselines.erm import LastLayerErmSettings, epochs
from neurontune_core.baselines.softmax import HeadTrainer
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


@dataclass(frozen=True)
class SslErmSettings(LastLayerErmSettings):
    """Settings of SSL+ERM: a fresh head needs a larger rate than a trained one."""

    learning_rate: float = setting(1e-2, "constant learning rate (ours)", low=1e-12)


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: SslErmSettings) -> Fitted:
    """Train a head from zero; ``head`` is not used, so the vectors may come from any frozen encoder."""
    trainer = HeadTrainer.zeros(tuning.num_classes, tuning.num_neurons, settings)
    return best_of(epochs(trainer, tuning, settings), identification, settings.select)
