"""Per-neuron scaling of embeddings, fitted on the tuning set and folded into the head. The paper uses none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.head import LinearHead
from neurontune_core.kernels.half import as_float32
from neurontune_core.tuning.config import Normalize

_ROWS_PER_BLOCK = 8192
_ROUNDING = 1e-12  # a variance this small beside the mean square is rounding error


@dataclass(frozen=True, eq=False)
class Normalizer:
    """``(v - shift) / scale``, both [M] float32; neurons that never change keep scale 1.

    >>> vectors = np.array([[1.0, 7.0], [3.0, 7.0]], dtype=np.float32)
    >>> Normalizer.fit(vectors, "standardize").apply(vectors).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    shift: np.ndarray
    scale: np.ndarray
    identity: bool

    @classmethod
    def fit(cls, embeddings: np.ndarray, how: Normalize) -> Normalizer:
        """Compute the scaling of a set.

        Args:
            embeddings: [N, M] of the tuning set.
            how: ``"standardize"``: mean 0 and deviation 1 a neuron; ``"l2"``: root mean square 1; ``"none"``: as is.
        """
        neurons = embeddings.shape[1]
        total, squares = np.zeros(neurons), np.zeros(neurons)
        if how != "none":
            for start in range(0, len(embeddings), _ROWS_PER_BLOCK):
                block = as_float32(embeddings[start : start + _ROWS_PER_BLOCK]).astype(np.float64)
                total += block.sum(axis=0)
                squares += (block**2).sum(axis=0)
        mean = total / len(embeddings) if how == "standardize" else np.zeros(neurons)
        mean_square = squares / len(embeddings)
        variance = np.maximum(mean_square - mean**2, 0.0)
        constant = (variance <= _ROUNDING * mean_square) | (variance < 1e-24)  # the difference is never exactly zero
        scale = np.where(constant, 1.0, np.sqrt(variance))
        return cls(mean.astype(np.float32), scale.astype(np.float32), how == "none")

    def apply(self, embeddings: np.ndarray) -> np.ndarray:
        """Normalize [N, M]; float32, or the very same array when there is nothing to do."""
        if self.identity:
            return embeddings
        normalized = np.array(as_float32(embeddings), copy=embeddings.dtype == np.float32)
        normalized -= self.shift
        normalized /= self.scale
        return normalized

    def unfold(self, head: LinearHead) -> LinearHead:
        """Return the head that gives on normalized embeddings what ``head`` gives on raw ones."""
        if self.identity:
            return head
        return LinearHead(head.weight * self.scale, head.bias + head.weight @ self.shift)

    def fold(self, head: LinearHead) -> LinearHead:
        """Return the head for raw embeddings: the inverse of `unfold`."""
        if self.identity:
            return head
        weight = head.weight / self.scale
        return LinearHead(weight, head.bias - weight @ self.shift)
