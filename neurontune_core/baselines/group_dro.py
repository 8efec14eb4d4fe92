"""Group DRO on the head: groups with high loss gain weight during training (Sagawa et al., 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurontune_core.baselines.base import Fitted, TrainSettings, best_of, setting
from neurontune_core.baselines.softmax import HeadTrainer, balanced_batches, cross_entropy, float32_vectors, residual
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


@dataclass(frozen=True)
class GroupDroSettings(TrainSettings):
    """η is the public code's. The paper is about strong weight decay (CelebA: 0.1, Waterbirds: 1) and adjustments of 0
    to 5; the middle one and the larger rate are ours, for a head."""

    learning_rate: float = setting(1e-2, "constant learning rate (ours)", low=1e-12)
    weight_decay: float = setting(0.1, "weight decay; strong, as in the paper")
    step_size: float = setting(0.01, "η: how fast the weights of groups follow their losses")
    adjustment: float = setting(2.0, "C: a group of n samples has C/√n added to its loss when weights are updated")


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: GroupDroSettings) -> Fitted:
    """Train on the tuning set with its groups; groups without a sample there are left out, with a warning."""
    groups = tuning.groups
    assert groups is not None  # `Method.run` checks it
    best = best_of(robust_epochs(head, tuning, groups, settings), identification, settings.select)
    empty = [name for place, name in enumerate(tuning.group_names) if not (groups == place).any()]
    warnings = tuple(f'Group "{name}" has no sample in the tuning set; it cannot be trained on.' for name in empty)
    return Fitted(best.head, best.chosen, warnings)


def updated_weights(
    weights: np.ndarray, losses: np.ndarray, sizes: np.ndarray, settings: GroupDroSettings
) -> np.ndarray:
    """Return the groups' new weights, [G] q ∝ q exp(η (loss + C/√n)), summing to 1.

    Args:
        weights, losses, sizes: [G] q, mean loss and number n of samples of every group.
        settings: η and C.

    >>> settings = GroupDroSettings(step_size=float(np.log(3)), adjustment=0.0)
    >>> updated_weights(np.array([0.5, 0.5]), np.array([1.0, 0.0]), np.array([9, 9]), settings).round(6).tolist()
    [0.75, 0.25]
    """
    raised = weights * np.exp(settings.step_size * (losses + settings.adjustment / np.sqrt(sizes)))
    return np.asarray(raised / raised.sum())


def robust_epochs(
    head: LinearHead, tuning: EmbeddingSet, groups: np.ndarray, settings: GroupDroSettings
) -> Iterator[Fitted]:
    """Yield the head after every epoch of Σ q_g loss_g on batches balanced by ``groups`` [N], true or pseudo-groups."""
    vectors, rng = float32_vectors(tuning), np.random.default_rng(settings.seed)
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = np.full(len(sizes), 1 / len(sizes))
    trainer = HeadTrainer(head.weight, head.bias, settings)
    for epoch in range(1, settings.epochs + 1):
        for rows in balanced_batches(groups, settings.batches, settings.batch_size, rng):
            batch, labels, members = vectors[rows], tuning.labels[rows], groups[rows]
            logits = trainer.logits(batch)
            counts = np.bincount(members, minlength=len(sizes))
            losses = np.bincount(members, cross_entropy(logits, labels), len(sizes)) / counts
            weights = updated_weights(weights, losses, sizes, settings)
            trainer.step(batch, residual(logits, labels) * (weights / counts)[members, None])
        yield Fitted(trainer.head(), {"epoch": epoch})
