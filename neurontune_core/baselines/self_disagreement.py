"""SELF: fine-tune the head on the held-out samples that two views of the model disagree on (LaBonte et al., 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

import numpy as np

from neurontune_core.baselines.base import Candidate, Fitted, TrainSettings, best_of, setting
from neurontune_core.baselines.softmax import HeadTrainer, balanced_batches, cross_entropy, residual, widened
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead, softmax

Variant = Literal["dropout_disagreement", "early_disagreement", "loss", "early_loss"]


@dataclass(frozen=True)
class SelfSettings(TrainSettings):
    """Grids of the paper: images as here with 250 steps; text rates (1e-6, 1e-5, 1e-4) with 500 steps. Its best variant
    is early_disagreement, which needs the logits of an early checkpoint; the default does without."""

    variant: Variant = setting("dropout_disagreement", "what marks a sample to fine-tune on", choices=Variant)
    counts: tuple[int, ...] = setting((20, 100, 500), "grid of how many samples are taken", low=1)
    learning_rates: tuple[float, ...] = setting((1e-4, 1e-3, 1e-2), "grid of learning rates", low=1e-12)
    dropouts: tuple[float, ...] = setting(
        (0.5, 0.7, 0.9), "grid of dropout rates, for dropout_disagreement", high=0.999
    )
    epochs: int = setting(1, "rounds of batches; the last head is taken", low=1)
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
    """One class-stratified half of the identification set is fine-tuned on, the other chooses from the grids.

    Raises:
        InputError: when an early variant lacks logits of the right shape.
    """
    numbered = replace(identification, sample_ids=np.arange(identification.num_samples))
    held_out, selection = numbered.halves(settings.seed)
    early = _early(settings, identification, held_out.sample_ids.astype(np.int64))
    return Fitted(*best_of(_candidates(head, held_out, early, settings), selection, settings.select))


def most_telling(variant: Variant, final: np.ndarray, other: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """[count] rows of the samples with the largest loss or disagreement, the largest first.

    Args:
        variant: ``loss`` of the head, ``early_loss`` of the early checkpoint, ``early_disagreement``
            KL(early ‖ final) or ``dropout_disagreement`` KL(final ‖ dropout).
        final: [N, C] logits of the head.
        other: [N, C] logits of the early checkpoint, or of the head under dropout.
        labels: [N].
        count: at most N are returned.
    """
    if variant == "loss":
        score = cross_entropy(final, labels)
    elif variant == "early_loss":
        score = cross_entropy(other, labels)
    elif variant == "early_disagreement":
        score = _divergence(other, final)
    else:
        score = _divergence(final, other)
    return np.argsort(-score, kind="stable")[:count]


def _candidates(
    head: LinearHead, held_out: EmbeddingSet, early: np.ndarray | None, settings: SelfSettings
) -> Iterator[Candidate]:
    vectors, labels = widened(held_out), held_out.labels
    final = head.logits(vectors).astype(np.float64)
    dropouts = settings.dropouts if settings.variant == "dropout_disagreement" else (0.0,)
    for dropout, count, rate in product(dropouts, settings.counts, settings.learning_rates):
        rng = np.random.default_rng(settings.seed)
        other = final if early is None else early
        if dropout:
            kept = rng.random(vectors.shape, dtype=np.float32) >= dropout
            other = head.logits(vectors * kept / np.float32(1 - dropout)).astype(np.float64)
        taken = most_telling(settings.variant, final, other, labels, count)
        trainer = HeadTrainer(head.weight, head.bias, replace(settings, learning_rate=rate))
        steps = settings.epochs * settings.batches
        for rows in taken[balanced_batches(labels[taken], steps, settings.batch_size, rng)]:
            batch = vectors[rows]
            trainer.step(batch, residual(trainer.logits(batch), labels[rows]) / len(rows))
        chosen = {"count": count, "learning_rate": rate} | ({"dropout": dropout} if dropout else {})
        yield Candidate(trainer.head(), chosen)


def _divergence(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """[N] KL(reference ‖ other) of the softmaxes of two arrays of logits."""
    share = softmax(reference)
    tiny = np.finfo(np.float64).tiny
    return np.asarray((share * (np.log(share + tiny) - np.log(softmax(other) + tiny))).sum(axis=1))


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
