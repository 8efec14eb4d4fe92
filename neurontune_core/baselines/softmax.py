"""Softmax regression in closed form: losses, their gradients by the logits, one optimiser step, balanced batches."""

from __future__ import annotations

import numpy as np

from neurontune_core.baselines.base import TrainSettings
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead, softmax
from neurontune_core.kernels.half import as_float32


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N, C], [N] -> [N]."""
    top = logits.max(axis=1)
    norm = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return np.asarray(norm - logits[np.arange(len(labels)), labels])


def residual(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[N, C] the gradient of each sample's cross-entropy by its logits: probabilities minus the one-hot label."""
    out = softmax(logits)
    out[np.arange(len(labels)), labels] -= 1
    return out


def balanced_weights(labels: np.ndarray) -> np.ndarray:
    """[N] one weight per sample: the same sum for every class present, 1 in all."""
    counts = np.bincount(labels)
    return np.asarray(1.0 / (np.count_nonzero(counts) * counts[labels]))


def widened(embedding_set: EmbeddingSet) -> np.ndarray:
    """[N, M] float32 in memory, so that batches are gathered fast."""
    return np.require(as_float32(embedding_set.embeddings), np.float32, ["C"])


def balanced_batches(keys: np.ndarray, steps: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """[steps, B] rows with replacement: ``size`` shared evenly (at least one each) among the keys [N] that occur."""
    present = np.unique(keys)
    shape = (steps, max(1, size // len(present)))
    drawn = []
    for key in present:
        rows = np.flatnonzero(keys == key)
        drawn.append(rows[rng.integers(0, len(rows), shape)])
    return np.concatenate(drawn, axis=1)


class HeadTrainer:
    """A head (or several stacked ones) and the optimiser's state.

    Args:
        weight, bias: [C, M] and [C], where to start; they are not changed.
        settings: the optimiser.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, settings: TrainSettings) -> None:
        self.weight, self.bias = np.array(weight, dtype=np.float32), np.array(bias, dtype=np.float32)
        self._moments = np.zeros((2, len(weight), weight.shape[1] + 1), dtype=np.float32)
        self._settings, self._steps = settings, 0

    @classmethod
    def zeros(cls, classes: int, neurons: int, settings: TrainSettings) -> HeadTrainer:
        return cls(np.zeros((classes, neurons)), np.zeros(classes), settings)

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """[B, M] -> [B, C]."""
        return np.asarray(vectors @ self.weight.T + self.bias)

    def step(self, vectors: np.ndarray, push: np.ndarray) -> None:
        """One step down the loss whose gradient by the logits of ``vectors`` [B, M] is ``push`` [B, C]."""
        from neurontune_core.kernels.steps import optimizer_step

        push = np.asarray(push, dtype=np.float32)
        self._steps += 1
        optimizer_step(
            self.weight,
            self.bias,
            push.T @ vectors,
            push.sum(axis=0),
            self._moments,
            self._settings.learning_rate,
            self._settings.weight_decay,
            self._settings.momentum,
            self._settings.optimizer == "adamw",
            self._steps,
        )

    def head(self) -> LinearHead:
        return LinearHead(self.weight.copy(), self.bias.copy())
