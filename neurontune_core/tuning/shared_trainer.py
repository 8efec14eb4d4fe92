"""Class-balanced training of several heads on the same batches: each row is fetched once for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead
from neurontune_core.kernels.half import for_kernels
from neurontune_core.tuning.balanced_trainer import BalancedTrainer
from neurontune_core.tuning.config import TuneConfig


class SharedTrainer:
    """As many `BalancedTrainer` as there are settings, which draw the same batches because they have the same seed.

    The steps are the same but for the order of sums: results are equal to a float's precision, not bit for bit.

    Args:
        head: where all start.
        vectors, tuning, rng: as in `BalancedTrainer`.
        configs: of one seed, one number of batches and one batch size; rate, decay, momentum and optimiser may differ.
    """

    def __init__(
        self,
        head: LinearHead,
        vectors: np.ndarray,
        tuning: EmbeddingSet,
        configs: Sequence[TuneConfig],
        rng: np.random.Generator,
    ) -> None:
        self._one = BalancedTrainer(head, vectors, tuning, configs[0], rng)
        self._vectors, self._labels, self._configs, self._steps = for_kernels(vectors), tuning.labels, configs, 0
        lanes = len(configs)
        self._weight, self._bias = (
            np.repeat(head.weight[None], lanes, axis=0),
            np.repeat(head.bias[None], lanes, axis=0),
        )
        self._moments = np.zeros((lanes, 2, head.num_classes, head.num_neurons + 1), dtype=np.float32)

    def head(self, lane: int) -> LinearHead:
        """Return the current head of one lane, the mask not folded in."""
        return LinearHead(self._weight[lane].copy(), self._bias[lane].copy())

    def run(self, masks: dict[int, np.ndarray]) -> dict[int, float]:
        """Train some lanes for one epoch, each with its factors [C, M], and return the mean loss of each."""
        from neurontune_core.kernels import shared_steps

        lanes = np.array(sorted(masks))
        batches = self._one.draw()
        configs = [self._configs[lane] for lane in lanes]
        weight, bias, moments = self._weight[lanes], self._bias[lanes], self._moments[lanes]
        losses = shared_steps.balanced_steps(
            self._vectors,
            self._labels,
            batches,
            np.stack([masks[lane] for lane in lanes]),
            weight,
            bias,
            moments,
            np.array([config.learning_rate for config in configs]),
            np.array([config.weight_decay for config in configs]),
            np.array([config.momentum for config in configs]),
            np.array([config.optimizer == "adamw" for config in configs]),
            self._steps,
        )
        self._weight[lanes], self._bias[lanes], self._moments[lanes] = weight, bias, moments
        self._steps += len(batches)
        return dict(zip(lanes.tolist(), losses.tolist(), strict=True))
