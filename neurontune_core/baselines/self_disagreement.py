"""SELF: fine-tune the head on the held-out samples that two views of the model disagree on (LaBonte et al., 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

import numpy as np

from neurontune_core.baselines.base import Fitted, TrainSettings, best_of, setting
from neurontune_core.baselines.softmax import HeadTrainer, balanced_batches, cross_entropy, float32_vectors, residual
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead, softmax

Variant = Literal["dropout_disagreement", "early_disagreement", "loss", "early_loss"]


@dataclass(frozen=True)
class SelfSettings(TrainSettings):
    """The defaults are the paper's grids for images, with 250 steps; for text: rates (1e-6, 1e-5, 1e-4) and 500 steps.

    Its best variant is early_disagreement, which needs the logits of an early checkpoint; the default needs none. No
    count is more than half of the samples to select from, since all of them would be class-balanced retraining.
    """

    variant: Variant = setting("dropout_disagreement", "criterion for the samples to fine-tune on", choices=Variant)
    counts: tuple[int, ...] = setting((20, 100, 500), "grid of how many samples are selected", low=1)
    learning_rates: tuple[float, ...] = setting((1e-4, 1e-3, 1e-2), "grid of learning rates", low=1e-12)
    dropouts: tuple[float, ...] = setting(
        (0.5, 0.7, 0.9), "grid of dropout rates, for dropout_disagreement", high=0.999
    )
    epochs: int = setting(1, "rounds of batches; the last head is kept", low=1)
    batches: int = setting(250, "batches a round", low=1)
    batch_size: int = setting(32, "samples a batch, as many of each class", low=1)
    early_logits: np.ndarray | None = field(
        default=None,
        compare=False,
        metadata={
            "help": "[N, C] logits of an early checkpoint on the identification set, for the early variants",
            "choices": None,
            "range": None,
        },
    )


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: SelfSettings) -> Fitted:
    """Train on selected samples of one class-stratified half of the identification set; the other half selects.

    Raises:
        InputError: when an early variant lacks logits of the right shape.
    """
    numbered = replace(identification, sample_ids=np.arange(identification.num_samples))
    held_out, selection = numbered.halves(settings.seed)
    early = _early(settings, identification, held_out.sample_ids.astype(np.int64))
    most = max(1, held_out.num_samples // 2)
    counts = tuple(dict.fromkeys(min(count, most) for count in settings.counts))
    best = best_of(_candidates(head, held_out, early, replace(settings, counts=counts)), selection, settings.select)
    if counts == settings.counts:
        return best
    sentence = (
        f"SELF selects from {held_out.num_samples} samples, so counts above half of them were lowered to {most}; "
        "the paper's need a larger held-out set."
    )
    return best._replace(warnings=(sentence,))


def select_samples(
    variant: Variant, final: np.ndarray, second: np.ndarray, labels: np.ndarray, count: int
) -> np.ndarray:
    """Return [count] rows of the samples with the largest loss or disagreement, the largest first.

    Args:
        variant: ``loss`` of the head, ``early_loss`` of the early checkpoint, ``early_disagreement``
            KL(early ‖ final) or ``dropout_disagreement`` KL(dropout ‖ final), as in the public code.
        final: [N, C] logits of the head.
        second: [N, C] logits of the early checkpoint, or of the head under dropout.
        labels: [N].
        count: at most N are returned.

    >>> select_samples("loss", np.array([[2.0, 0.0], [0.0, 2.0]]), np.zeros((2, 2)), np.array([0, 0]), count=1).tolist()
    [1]
    """
    if variant == "loss":
        score = cross_entropy(final, labels)
    elif variant == "early_loss":
        score = cross_entropy(second, labels)
    else:
        score = _divergence(second, final)
    return np.argsort(-score, kind="stable")[:count]


def _candidates(
    head: LinearHead, held_out: EmbeddingSet, early: np.ndarray | None, settings: SelfSettings
) -> Iterator[Fitted]:
    vectors, labels = float32_vectors(held_out), held_out.labels
    final = head.logits(vectors).astype(np.float64)
    dropouts = settings.dropouts if settings.variant == "dropout_disagreement" else (0.0,)
    for dropout, count, rate in product(dropouts, settings.counts, settings.learning_rates):
        rng = np.random.default_rng(settings.seed)
        second = final if early is None else early
        if dropout:
            kept = rng.random(vectors.shape, dtype=np.float32) >= dropout
            second = head.logits(vectors * kept / np.float32(1 - dropout)).astype(np.float64)
        selected = select_samples(settings.variant, final, second, labels, count)
        trainer = HeadTrainer(head.weight, head.bias, replace(settings, learning_rate=rate))
        steps = settings.epochs * settings.batches
        for rows in selected[balanced_batches(labels[selected], steps, settings.batch_size, rng)]:
            batch = vectors[rows]
            trainer.step(batch, residual(trainer.logits(batch), labels[rows]) / len(rows))
        chosen = {"count": count, "learning_rate": rate} | ({"dropout": dropout} if dropout else {})
        yield Fitted(trainer.head(), chosen)


def _divergence(reference: np.ndarray, approximation: np.ndarray) -> np.ndarray:
    """Return [N] KL(reference ‖ approximation) of the softmaxes of two arrays of logits."""
    share = softmax(reference)
    tiny = np.finfo(np.float64).tiny
    return np.asarray((share * (np.log(share + tiny) - np.log(softmax(approximation) + tiny))).sum(axis=1))


def _early(settings: SelfSettings, identification: EmbeddingSet, rows: np.ndarray) -> np.ndarray | None:
    if settings.variant not in ("early_disagreement", "early_loss"):
        return None
    expected = [identification.num_samples, identification.num_classes]
    if settings.early_logits is None:
        raise InputError(
            f"SELF's {settings.variant} needs early_logits {expected}, an early checkpoint's logits on the "
            "identification set; give them, or use dropout_disagreement or loss."
        )
    early = np.asarray(settings.early_logits, dtype=np.float64)
    if list(early.shape) != expected or not np.isfinite(early).all():
        raise InputError(
            f"Expected early_logits of shape {expected} without NaN or infinity, one row a sample of the "
            f"identification set, but got shape {list(early.shape)}."
        )
    return early[rows]
