"""Softmax regression in closed form: losses, their gradients by the logits, one optimizer step, balanced batches."""

from __future__ import annotations

import numpy as np

from neurontune_core.baselines.base import TrainSettings
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead, softmax
from neurontune_core.kernels.half import as_float32


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return [N], the cross-entropy of every sample, from logits [N, C] and labels [N].

    >>> cross_entropy(np.array([[0.0, 0.0]]), np.array([1])).round(4).tolist()
    [0.6931]
    """
    top = logits.max(axis=1)
    norm = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return np.asarray(norm - logits[np.arange(len(labels)), labels])


def residual(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return [N, C], the gradient of each sample's cross-entropy by its logits: probabilities minus the one-hot label.

    >>> residual(np.zeros((1, 2)), np.array([1])).tolist()
    [[0.5, -0.5]]
    """
    out = softmax(logits)
    out[np.arange(len(labels)), labels] -= 1
    return out


def balanced_weights(labels: np.ndarray) -> np.ndarray:
    """Return [N] sample weights with the same sum for every class present, and 1 in all.

    >>> balanced_weights(np.array([0, 0, 2])).tolist()
    [0.25, 0.25, 0.5]
    """
    counts = np.bincount(labels)
    return np.asarray(1.0 / (np.count_nonzero(counts) * counts[labels]))


def float32_vectors(embedding_set: EmbeddingSet) -> np.ndarray:
    """Return [N, M] float32 in memory, so that batches are gathered fast."""
    return np.require(as_float32(embedding_set.embeddings), np.float32, ["C"])


def balanced_batches(keys: np.ndarray, steps: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw batches with as many samples of every key, with replacement.

    Args:
        keys: [N] int, such as classes or groups.
        steps: batches.
        size: of a batch; shared evenly among the keys that occur, at least one sample each.
        rng: draws them.

    Returns:
        [steps, B] rows.

    >>> rows = balanced_batches(np.array([0, 0, 0, 1]), steps=1, size=4, rng=np.random.default_rng(0))
    >>> rows.shape, rows[0, 2:].tolist()
    ((1, 4), [3, 3])
    """
    present = np.unique(keys)
    shape = (steps, max(1, size // len(present)))
    drawn = []
    for key in present:
        rows = np.flatnonzero(keys == key)
        drawn.append(rows[rng.integers(0, len(rows), shape)])
    return np.concatenate(drawn, axis=1)


class HeadTrainer:
    """A head (or several stacked heads) and the state of its optimizer.

    Args:
        weight, bias: [C, M] and [C], the start; they are not changed.
        settings: the optimizer.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, settings: TrainSettings) -> None:
        self.weight, self.bias = np.array(weight, dtype=np.float32), np.array(bias, dtype=np.float32)
        self._moments = np.zeros((2, len(weight), weight.shape[1] + 1), dtype=np.float32)
        self._settings, self._steps = settings, 0

    @classmethod
    def zeros(cls, classes: int, neurons: int, settings: TrainSettings) -> HeadTrainer:
        """Start from a head of zeros."""
        return cls(np.zeros((classes, neurons)), np.zeros(classes), settings)

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Return the logits [B, C] of vectors [B, M]."""
        return np.asarray(vectors @ self.weight.T + self.bias)

    def step(self, vectors: np.ndarray, gradient: np.ndarray) -> None:
        """Take one step of the optimizer.

        Args:
            vectors: [B, M].
            gradient: [B, C] of the loss by the logits of these vectors.
        """
        from neurontune_core.kernels.steps import optimizer_step

        gradient = np.asarray(gradient, dtype=np.float32)
        self._steps += 1
        optimizer_step(
            self.weight,
            self.bias,
            gradient.T @ vectors,
            gradient.sum(axis=0),
            self._moments,
            self._settings.learning_rate,
            self._settings.weight_decay,
            self._settings.momentum,
            self._settings.optimizer == "adamw",
            self._steps,
        )

    def head(self) -> LinearHead:
        """Return a copy of the head."""
        return LinearHead(self.weight.copy(), self.bias.copy())
