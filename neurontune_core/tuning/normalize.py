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
    """``(v - shift) / scale``, both [M] float32; neurons that never change keep scale 1."""

    shift: np.ndarray
    scale: np.ndarray
    identity: bool

    @classmethod
    def fit(cls, embeddings: np.ndarray, how: Normalize) -> Normalizer:
        """``"standardize"``: mean 0 and deviation 1 a neuron; ``"l2"``: root mean square 1; ``"none"``: as they are."""
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
        """[N, M] normalised, float32; the very same array when there is nothing to do."""
        if self.identity:
            return embeddings
        normalised = np.array(as_float32(embeddings), copy=embeddings.dtype == np.float32)
        normalised -= self.shift
        normalised /= self.scale
        return normalised

    def unfold(self, head: LinearHead) -> LinearHead:
        """The head that gives on normalised embeddings what ``head`` gives on raw ones."""
        if self.identity:
            return head
        return LinearHead(head.weight * self.scale, head.bias + head.weight @ self.shift)

    def fold(self, head: LinearHead) -> LinearHead:
        """The inverse of `unfold`."""
        if self.identity:
            return head
        weight = head.weight / self.scale
        return LinearHead(weight, head.bias - weight @ self.shift)
