"""XRM: group DRO over groups that twin heads infer without group labels (Pezeshki et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurontune_core.baselines.base import BY_GROUP, Fitted, Settings, best_of, setting
from neurontune_core.baselines.softmax import cross_entropy, float32_vectors, residual
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.evaluation.inferred_groups import inferred_groups, twin_heads
from neurontune_core.head import LinearHead

_EVERY = 100  # steps between the heads that are compared


@dataclass(frozen=True)
class XrmSettings(Settings):
    """Built from the paper. Steps and rate of both stages and η are the paper's; the length is ours, and so is that the
    pseudo-groups of several draws are trained on one after the other and the heads averaged."""

    twin_steps: int = setting(3000, "full-batch steps of the twin heads", low=1)
    steps: int = setting(3000, "full-batch steps of group DRO over the inferred groups", low=1)
    learning_rate: float = setting(1e-2, "constant learning rate of both stages", low=1e-12)
    step_size: float = setting(0.1, "η: how fast the weights of groups follow their losses")
    length: float = setting(10.0, "mean length that vectors are scaled to (ours)", low=1e-6)
    draws: int = setting(1, "draws of the twins whose heads are averaged", low=1)
    seed: int = setting(0, "seed of the twins' halves and flips", high=2**31 - 1)


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: XrmSettings) -> Fitted:
    """Infer groups of both sets, train on those of tuning, keep the step with the best worst group of identification.

    ``head`` is not used: twins and head start from zero.
    """
    fitted = [_drawn(identification, tuning, settings, settings.seed + draw) for draw in range(settings.draws)]
    chosen = fitted[0].chosen | ({"draws": settings.draws} if settings.draws > 1 else {})
    return Fitted(LinearHead.mean([each.head for each in fitted]), chosen)


def _drawn(identification: EmbeddingSet, tuning: EmbeddingSet, settings: XrmSettings, seed: int) -> Fitted:
    twins = twin_heads(tuning, seed, steps=settings.twin_steps, rate=settings.learning_rate, length=settings.length)
    judged = inferred_groups(identification, twins.mistakes(identification))
    groups = inferred_groups(tuning, twins.mistakes(tuning)).groups
    assert groups is not None
    best = best_of(_steps(tuning, groups, twins.length, settings), judged, BY_GROUP)
    chosen = best.chosen | {"flipped": twins.flipped}
    return Fitted(best.head, {"worst_inferred_group": chosen.pop(BY_GROUP)} | chosen)


def _steps(tuning: EmbeddingSet, groups: np.ndarray, length: float, settings: XrmSettings) -> Iterator[Fitted]:
    """Yield the head every so often of full-batch group DRO from zero."""
    vectors, labels = float32_vectors(tuning) / np.float32(length), tuning.labels
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weight = np.zeros((tuning.num_classes, vectors.shape[1]), dtype=np.float32)
    bias, shares = np.zeros(tuning.num_classes, dtype=np.float32), np.full(len(sizes), 1 / len(sizes))
    for step in range(1, settings.steps + 1):
        logits = vectors @ weight.T + bias
        losses = np.bincount(members, cross_entropy(logits, labels), len(sizes)) / sizes
        shares = shares * np.exp(settings.step_size * losses)
        shares /= shares.sum()
        gradient = (residual(logits, labels) * (shares / sizes)[members, None]).astype(np.float32)
        weight -= np.float32(settings.learning_rate) * (gradient.T @ vectors)
        bias -= np.float32(settings.learning_rate) * gradient.sum(axis=0)
        if step % _EVERY == 0 or step == settings.steps:
            yield Fitted(LinearHead(weight / np.float32(length), bias.copy()), {"step": step})
