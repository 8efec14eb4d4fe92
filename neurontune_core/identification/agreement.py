"""How far the biased neurons of two halves of the identification set agree: what of a mask is more than chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.units import deal_units

STABLE = 2.0  # standard errors by which the score of a stable neuron exceeds λ
_DRAWS = 3  # splits into halves


@dataclass(frozen=True)
class Agreement:
    """Agreement of the masks of two halves.

    Attributes:
        shared: |A ∩ B| / |A ∪ B|, the mean over the splits into halves.
        by_chance: the same for two random masks of these sizes.
    """

    shared: float
    by_chance: float

    @property
    def is_noise(self) -> bool:
        """Return whether the halves agree less than twice as far as chance would have it."""
        return self.shared < 2 * self.by_chance


@dataclass(frozen=True, eq=False)
class HalfScores:
    """What two halves select neurons by, for several splits into halves.

    Attributes:
        scores: [S, 2, M], the highest score over the classes in each half of each split.
        bounds: [S, 2, M], the highest lower bound at `STABLE` standard errors.
    """

    scores: np.ndarray
    bounds: np.ndarray

    @classmethod
    def of(
        cls,
        embeddings: np.ndarray,
        labels: np.ndarray,
        predictions: np.ndarray,
        num_classes: int,
        *,
        units: np.ndarray | None = None,
        splits: int = _DRAWS,
    ) -> HalfScores:
        """Score random halves of the samples; the misclassified and the correct samples of a class are halved each.

        Args:
            embeddings: [N, M] floats, raw (never masked).
            labels, predictions: [N] int.
            num_classes: C.
            units: [N] int, samples with the same number belong together and into one half; None for none.
            splits: S, how often the samples are split; split s has seed s.

        >>> rng, labels = np.random.default_rng(0), np.arange(400) % 2
        >>> predictions = np.where(rng.random(400) < 0.3, 1 - labels, labels)
        >>> vectors = np.abs(rng.normal(size=(400, 9)))
        >>> vectors[predictions != labels, :3] += 3
        >>> halves = HalfScores.of(vectors, labels, predictions, 2)
        >>> noisy, stable = halves.agreement(0.0), halves.agreement(0.0, stable=True)
        >>> round(noisy.shared / noisy.by_chance, 1), round(stable.shared / stable.by_chance, 1)
        (0.9, 3.7)
        """
        scores, bounds = [], []
        for split in range(splits):
            for rows in _halves(labels, predictions, units, split):
                together = None if units is None else units[rows]
                scorer = SpuriousnessScorer(embeddings[rows], labels[rows], num_classes, sort=False, units=together)
                (scored,) = scorer.several([predictions[rows]])
                scores.append(np.full(embeddings.shape[1], -np.inf) if scored is None else scored.neuron_scores)
                bounds.append(scorer.lower_bounds(predictions[rows], STABLE).max(axis=0))
        shape = (splits, 2, -1)
        return cls(np.reshape(scores, shape), np.reshape(bounds, shape))

    def agreement(self, threshold: float, *, stable: bool = False) -> Agreement | None:
        """Return how far the halves agree at λ; None where they select no neuron.

        Args:
            threshold: λ.
            stable: whether only neurons are selected whose score exceeds λ by `STABLE` standard errors.
        """
        masks = (self.bounds if stable else self.scores) > threshold
        either = masks.any(axis=1).sum(axis=1)
        some = either > 0
        if not some.any():
            return None
        both, (first, second) = masks.all(axis=1).sum(axis=1), masks.mean(axis=2).T
        shares, chance = first * second, first + second - first * second
        return Agreement(float(np.mean(both[some] / either[some])), float(np.mean(shares[some] / chance[some])))


def _halves(labels: np.ndarray, predictions: np.ndarray, units: np.ndarray | None, seed: int) -> Iterator[np.ndarray]:
    """Return the rows of two random halves, of every class and outcome about as many in each."""
    rng = np.random.default_rng(seed)
    if units is not None:
        part = deal_units(2 * labels + (predictions != labels), units, 2, rng)
        return iter((np.flatnonzero(part == 0), np.flatnonzero(part == 1)))
    first = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        for outcome in (True, False):
            rows = rng.permutation(np.flatnonzero((labels == label) & ((predictions == labels) == outcome)))
            first[rows[: (len(rows) + int(rng.integers(2))) // 2]] = True
    return iter((np.flatnonzero(first), np.flatnonzero(~first)))
