"""Class-balanced training of a masked head on cached embeddings: an epoch is drawn at once, in closed form."""

from __future__ import annotations

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.kernels.half import as_float32, for_kernels
from neurontune_core.tuning.config import TuneConfig

MOST_FUSED_CLASSES = 16  # beyond it a matrix product of the whole batch beats one pass row by row

_USES = 2  # of a row in an epoch, on average, from which on it is cheaper to copy the columns that are kept


class BalancedTrainer:
    """Holds the head's weights and the optimizer's state over the epochs.

    Args:
        head: where to start; it is not changed.
        vectors: [N, M] the (normalized) embeddings of ``tuning``.
        tuning: for labels and class names.
        config: optimizer, batches and batch size.
        rng: draws the batches.

    Raises:
        InputError: when a class has no tuning sample, or a batch is too small to hold one sample of each class.

    >>> vectors, config = np.array([[-1.0], [1.0]], dtype=np.float32), TuneConfig(batches=5, batch_size=2)
    >>> start, tuning = LinearHead([[0.0], [0.0]], [0, 0]), EmbeddingSet(vectors, [0, 1], ("a", "b"))
    >>> trainer = BalancedTrainer(start, vectors, tuning, config, np.random.default_rng(0))
    >>> bool(trainer.run(mask=np.ones((2, 1), dtype=np.float32)) < np.log(2))
    True
    """

    def __init__(
        self, head: LinearHead, vectors: np.ndarray, tuning: EmbeddingSet, config: TuneConfig, rng: np.random.Generator
    ) -> None:
        self._per_class = config.batch_size // tuning.num_classes
        if self._per_class == 0:
            raise InputError(
                f"A batch of {config.batch_size} cannot hold one sample of each of the {tuning.num_classes} classes; "
                f"use a batch size of at least {tuning.num_classes}."
            )
        self._rows = [np.flatnonzero(tuning.labels == label) for label in range(tuning.num_classes)]
        for name, rows in zip(tuning.class_names, self._rows, strict=True):
            if len(rows) == 0:
                raise InputError(
                    f'Class "{name}" has no sample in the tuning set, so no class-balanced batch can be drawn; '
                    "add samples of it."
                )
        self._vectors, self._labels, self._config, self._rng = for_kernels(vectors), tuning.labels, config, rng
        self._kept = np.empty(0, dtype=self._vectors.dtype)
        self._weight, self._bias = head.weight.copy(), head.bias.copy()
        self._moments = np.zeros((2, head.num_classes, head.num_neurons + 1), dtype=np.float32)
        self._steps = 0

    def head(self) -> LinearHead:
        """Return the current head, the mask not folded in."""
        return LinearHead(self._weight.copy(), self._bias.copy())

    def run(self, mask: np.ndarray) -> float:
        """Train one epoch with the factors ``mask`` [C, M], and return the mean cross-entropy of its batches."""
        batches = self.draw()
        vectors, columns = self._vectors, np.arange(mask.shape[1])
        if not mask.any(axis=0).all() and batches.size >= _USES * len(vectors):
            # Masked columns get no gradient, so the passes over the data can leave them out (weight decay still acts).
            columns = np.flatnonzero(mask.any(axis=0))
            vectors = self._compact(columns)
        train = self._fused if mask.shape[0] <= MOST_FUSED_CLASSES else self._by_products
        loss = train(vectors, batches, columns, np.ascontiguousarray(mask[:, columns]))
        self._steps += len(batches)
        return loss

    def draw(self) -> np.ndarray:
        """Draw [batches, B] rows of the tuning set: as many of each class, with replacement (Table 10)."""
        shape = (self._config.batches, self._per_class)
        return np.concatenate([rows[self._rng.integers(0, len(rows), shape)] for rows in self._rows], axis=1)

    def _compact(self, columns: np.ndarray) -> np.ndarray:
        """Copy some columns of all vectors, side by side, into memory that is reused."""
        from neurontune_core.kernels.rows import gather

        size = len(self._vectors) * len(columns)
        if self._kept.size < size:
            self._kept = np.empty(size, dtype=self._vectors.dtype)
        kept = self._kept[:size].reshape(len(self._vectors), len(columns))
        gather(self._vectors, columns, kept)
        return for_kernels(kept)

    def _fused(self, vectors: np.ndarray, batches: np.ndarray, columns: np.ndarray, mask: np.ndarray) -> float:
        from neurontune_core.kernels.steps import balanced_steps

        config = self._config
        return balanced_steps(
            vectors,
            self._labels,
            batches,
            columns,
            mask,
            self._weight,
            self._bias,
            self._moments,
            config.learning_rate,
            config.weight_decay,
            config.momentum,
            config.optimizer == "adamw",
            self._steps,
        )

    def _by_products(self, vectors: np.ndarray, batches: np.ndarray, columns: np.ndarray, mask: np.ndarray) -> float:
        """Take the same steps for many classes, where two matrix products a batch are faster."""
        from neurontune_core.kernels.steps import optimizer_step

        config = self._config
        size = batches.shape[1]
        gradient = np.zeros_like(self._weight)
        buffer, loss = np.empty((size, len(columns)), dtype=np.float32), 0.0
        for number, rows in enumerate(batches, start=self._steps + 1):
            batch, own = as_float32(vectors[rows], buffer), (np.arange(size), self._labels[rows])
            logits = batch @ (self._weight[:, columns] * mask).T + self._bias
            logits -= logits.max(axis=1, keepdims=True)
            share = np.exp(logits)
            norm = share.sum(axis=1)
            loss += float((np.log(norm) - logits[own]).mean())
            share /= norm[:, None]
            share[own] -= 1
            share /= size
            gradient[:, columns] = (share.T @ batch) * mask
            optimizer_step(
                self._weight,
                self._bias,
                gradient,
                share.sum(axis=0),
                self._moments,
                config.learning_rate,
                config.weight_decay,
                config.momentum,
                config.optimizer == "adamw",
                number,
            )
        return loss / len(batches)
