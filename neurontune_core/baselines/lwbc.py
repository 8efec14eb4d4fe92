"""LWBC: a committee of biased heads, trained on small subsets, weights the samples (Kim et al., 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurontune_core.baselines.base import Fitted, TrainSettings, best_of, setting
from neurontune_core.baselines.committee import committee_of
from neurontune_core.baselines.softmax import HeadTrainer, float32_vectors, residual
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead, softmax


@dataclass(frozen=True)
class LwbcSettings(TrainSettings):
    """ImageNet-9: 30 members of two layers, subsets of 80, Adam 1e-4, 100 epochs with the warm-up, temperature 1;
    CelebA: 40, 300, 6e-3, 30 epochs, temperature 2.5; both 5 epochs of warm-up and distillation 0.6.

    The default rate and epochs are ours. The main head is always linear, since only such a head can be exported.
    """

    members: int = setting(30, "heads in the committee", low=1)
    subset: int = setting(
        80, "samples a class that a member learns from, drawn from the whole set with replacement", low=1
    )
    hidden: int = setting(0, "hidden neurons of a member; 0: linear members (the public code: half the neurons)")
    offset: float = setting(0.02, "α: a sample weighs 1 / (share of the committee that is correct + α)", low=1e-6)
    warm_up: int = setting(5, "epochs of the committee before the main head")
    distillation: float = setting(0.6, "weight of the divergence that keeps the committee near the main head", high=1)
    temperature: float = setting(1.0, "temperature of the distillation", low=1e-3)
    optimizer: Literal["sgd", "adamw"] = setting("adamw", "sgd or adamw", choices=Literal["sgd", "adamw"])
    weight_decay: float = setting(0.0, "weight decay")


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: LwbcSettings) -> Fitted:
    """Train committee and main head on the tuning set from zero; ``head`` is not used."""
    return best_of(_epochs(tuning, settings), identification, settings.select)


def committee_weights(logits: np.ndarray, labels: np.ndarray, offset: float) -> np.ndarray:
    """Return LWBC's weights, [N] 1 / (share of the members that are correct + α).

    Args:
        logits: [N, members, C].
        labels: [N].
        offset: α.

    >>> logits = np.array([[[1.0, 0.0], [0.0, 1.0]]])  # one of two members is correct
    >>> committee_weights(logits, np.array([0]), offset=0.5).tolist()
    [1.0]
    """
    return np.asarray(1 / ((logits.argmax(axis=2) == labels[:, None]).mean(axis=1) + offset))


def _epochs(tuning: EmbeddingSet, settings: LwbcSettings) -> Iterator[Fitted]:
    vectors, labels = float32_vectors(tuning), tuning.labels
    members, classes = settings.members, tuning.num_classes
    rng = np.random.default_rng(settings.seed)
    drawn = _subsets(len(labels), classes, settings, rng)
    committee = committee_of(members, classes, tuning.num_neurons, settings.hidden, settings)
    main = HeadTrainer.zeros(classes, tuning.num_neurons, settings)
    share, heat = settings.distillation, settings.temperature
    for epoch in range(1, settings.warm_up + settings.epochs + 1):
        warm = epoch <= settings.warm_up
        for rows in rng.integers(0, len(vectors), (settings.batches, settings.batch_size)):
            batch, own, inside = vectors[rows], labels[rows], drawn[rows]
            logits = committee.logits(batch)
            gradient = residual(logits.reshape(-1, classes), np.repeat(own, members)).reshape(logits.shape)
            gradient *= (inside / np.maximum(inside.sum(axis=0), 1))[:, :, None]
            if not warm:
                weights = committee_weights(logits, own, settings.offset)
                main.step(batch, residual(main.logits(batch), own) * weights[:, None] / len(rows))
            if epoch > settings.warm_up + 1:  # the public code distills from the second epoch of the main head
                distilled = softmax(logits / heat) - softmax(main.logits(batch) / heat)[:, None, :]
                distilled *= heat * ~inside[:, :, None] / (len(rows) * classes)  # only where a member has no label
                gradient = (1 - share) * gradient + share * distilled
            committee.step(batch, gradient)
        if not warm:
            yield Fitted(main.head(), {"epoch": epoch})


def _subsets(samples: int, classes: int, settings: LwbcSettings, rng: np.random.Generator) -> np.ndarray:
    """Draw [N, members] bool, the samples that each member learns from: ``subset`` a class, whatever their classes."""
    drawn = np.zeros((samples, settings.members), dtype=bool)
    for member in range(settings.members):
        drawn[rng.integers(0, samples, settings.subset * classes), member] = True
    return drawn
