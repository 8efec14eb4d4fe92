"""Variable selection (A.6): an L1 logistic regression on the same vectors, which keeps few neurons."""

from __future__ import annotations

from dataclasses import dataclass

from neurontune_core.baselines.base import (
    SELECT_HELP,
    Fitted,
    Select,
    Settings,
    best_of,
    require_classes,
    setting,
)
from neurontune_core.baselines.l1 import l1_logistic
from neurontune_core.baselines.softmax import float32_vectors
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


@dataclass(frozen=True)
class VariableSelectionSettings(Settings):
    """The grid is ours; the paper names none."""

    strengths: tuple[float, ...] = setting((0.1, 0.03, 0.01), "grid of C, the inverse of the L1 penalty", low=1e-9)
    select: Select = setting("worst_class_accuracy", SELECT_HELP, choices=Select)
    seed: int = setting(0, "seed of liblinear's order of coordinates", high=2**31 - 1)


def fit(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: VariableSelectionSettings
) -> Fitted:
    """Fit every C on the tuning set, keep the best on the identification set; ``head`` is not used."""
    require_classes(tuning, "tuning")
    vectors = float32_vectors(tuning)
    candidates = (
        Fitted(l1_logistic(vectors, tuning.labels, tuning.num_classes, strength, settings.seed), {"C": strength})
        for strength in settings.strengths
    )
    best = best_of(candidates, identification, settings.select)
    kept = int(best.head.weight.any(axis=0).sum())
    return Fitted(best.head, best.chosen | {"num_kept": kept})
