"""A committee of small classifiers on the same vectors, each trained by its own loss: LWBC's biased members."""

from __future__ import annotations

import numpy as np

from neurontune_core.baselines.base import TrainSettings
from neurontune_core.baselines.softmax import HeadTrainer


class LinearCommittee:
    """Linear members, stacked; all start at zero."""

    def __init__(self, members: int, classes: int, neurons: int, settings: TrainSettings) -> None:
        self._shape = (members, classes)
        self._stacked = HeadTrainer.zeros(members * classes, neurons, settings)

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Return the logits [B, members, C] of vectors [B, M]."""
        return self._stacked.logits(vectors).reshape(len(vectors), *self._shape)

    def step(self, vectors: np.ndarray, gradient: np.ndarray) -> None:
        """Take one step with the gradient [B, members, C] by the logits of these vectors."""
        self._stacked.step(vectors, gradient.reshape(len(vectors), -1))


class TwoLayerCommittee:
    """Members with one hidden layer of ReLU; the weights start at random, as torch's linear layers do.

    Args:
        members, classes, neurons: how many.
        hidden: neurons of each member's hidden layer.
        settings: the optimizer and the seed.
    """

    def __init__(self, members: int, classes: int, neurons: int, hidden: int, settings: TrainSettings) -> None:
        rng = np.random.default_rng([settings.seed, 1])
        self._shape = (members, hidden)
        self._first = HeadTrainer(*_uniform(rng, members * hidden, neurons), settings)
        self._last = [HeadTrainer(*_uniform(rng, classes, hidden), settings) for _ in range(members)]

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Return the logits [B, members, C] of vectors [B, M]."""
        active = self._active(vectors)
        return np.stack([each.logits(active[:, place]) for place, each in enumerate(self._last)], axis=1)

    def step(self, vectors: np.ndarray, gradient: np.ndarray) -> None:
        """Take one step with the gradient [B, members, C] by the logits of these vectors."""
        active = self._active(vectors)
        back = np.stack([gradient[:, place] @ each.weight for place, each in enumerate(self._last)], axis=1)
        for place, each in enumerate(self._last):
            each.step(np.ascontiguousarray(active[:, place]), gradient[:, place])
        self._first.step(vectors, (back * (active > 0)).reshape(len(vectors), -1))

    def _active(self, vectors: np.ndarray) -> np.ndarray:
        return np.maximum(self._first.logits(vectors), 0).reshape(len(vectors), *self._shape)


def committee_of(
    members: int, classes: int, neurons: int, hidden: int, settings: TrainSettings
) -> LinearCommittee | TwoLayerCommittee:
    """Return a committee of linear members, or of two-layer ones when ``hidden`` is above 0."""
    if hidden:
        return TwoLayerCommittee(members, classes, neurons, hidden, settings)
    return LinearCommittee(members, classes, neurons, settings)


def _uniform(rng: np.random.Generator, outputs: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw weights [outputs, inputs] and biases [outputs] uniformly within 1/√inputs."""
    bound = inputs**-0.5
    return rng.uniform(-bound, bound, (outputs, inputs)), rng.uniform(-bound, bound, outputs)
