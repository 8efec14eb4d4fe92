"""Spuriousness scores (Eq. 5), the biased neurons (Eq. 6) and SFit (spuriousness fitness score, Σ|delta|)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurontune_core.errors import InputError

Statistic = Literal["median", "mean", "quantile"]

FEW_MISTAKES = 5  # below this many, a class's scores are called uncertain
_MOST_CLASSES = 20  # whose scores are listed for a neuron; of more classes the highest


class NoMistakes(InputError):
    """The head makes no mistake on the identification set, so there is nothing to compare."""

    def __init__(self) -> None:
        super().__init__(
            "The head makes no mistake on the identification set, so no neuron can be called biased; "
            "identify on data that the head gets partly wrong, such as held-out samples."
        )


@dataclass(frozen=True, eq=False)
class SpuriousnessScores:
    """How much stronger each neuron fires on the misclassified samples of a class than on the correct ones.

    Attributes:
        delta: [C, M] float32, Eq. 5; 0 for a class without misclassified or without correct samples.
        median_incorrect, median_correct: [C, M] float32, the two terms of delta; NaN where there is no sample. With
            another ``statistic`` they hold that statistic.
        num_incorrect, num_correct: [C] int64.
        sfit: spuriousness fitness score, the sum of |delta| over classes and neurons.
        num_silent: neurons whose statistics are all zero; they score 0 and can never be selected.
        warnings: sentences on classes whose scores rest on too little.

    >>> from neurontune_core.identification.scorer import SpuriousnessScorer
    >>> scorer = SpuriousnessScorer(np.array([[1.0], [2.0], [5.0]]), np.zeros(3, int), 1, class_names=("bird",))
    >>> scores = scorer(np.array([0, 0, 1]))  # the third sample is misclassified
    >>> scores.delta.tolist(), scores.biased(threshold=3.5).tolist(), scores.sfit
    ([[3.5]], [False], 3.5)
    """

    delta: np.ndarray
    median_incorrect: np.ndarray
    median_correct: np.ndarray
    num_incorrect: np.ndarray
    num_correct: np.ndarray
    sfit: float
    num_silent: int
    warnings: tuple[str, ...]

    @property
    def neuron_scores(self) -> np.ndarray:
        """Return [M] the largest delta over classes with both outcomes: what Eq. 6 compares with λ."""
        scored = self.scored
        return self.delta[scored].max(axis=0) if scored.any() else np.zeros(self.delta.shape[1], dtype=np.float32)

    @property
    def scored(self) -> np.ndarray:
        """Return [C] bool, the classes with both outcomes."""
        return (self.num_incorrect > 0) & (self.num_correct > 0)

    @property
    def strongest_class(self) -> np.ndarray:
        """Return [M], the class that each neuron has its score from."""
        return np.where(self.scored[:, None], self.delta, -np.inf).argmax(axis=0)

    def biased(self, threshold: float = 0.0) -> np.ndarray:
        """Return [M] bool: ``delta > threshold`` for any class (Eq. 6, strict)."""
        return np.asarray(self.biased_by_class(threshold).any(axis=0))

    def biased_by_class(self, threshold: float = 0.0) -> np.ndarray:
        """Return [C, M] bool: Eq. 6 before the union over classes."""
        return (self.delta > threshold) & self.scored[:, None]

    def by_class_name(self, class_names: Sequence[str], neurons: Iterable[int]) -> dict[int, dict[str, float]]:
        """Return neuron -> class name -> score, the highest first; of many classes the 20 highest.

        Args:
            class_names: the C names.
            neurons: those that are listed.

        >>> from neurontune_core.identification.scorer import SpuriousnessScorer
        >>> scorer = SpuriousnessScorer(np.array([[1.0], [2.0], [5.0]]), np.zeros(3, int), 1, class_names=("bird",))
        >>> scorer(np.array([0, 0, 1])).by_class_name(("bird",), [0])
        {0: {'bird': 3.5}}
        """
        scored = np.flatnonzero((self.num_incorrect > 0) & (self.num_correct > 0))
        listed = {}
        for neuron in neurons:
            ranked = scored[np.argsort(-self.delta[scored, neuron], kind="stable")][:_MOST_CLASSES]
            listed[int(neuron)] = {class_names[label]: float(self.delta[label, neuron]) for label in ranked}
        return listed


def chance_share(num_classes: int) -> float:
    """Return the share of neurons that λ = 0 selects on pure noise: each class picks half, their union 1 - 2^-C.

    >>> chance_share(2)
    0.75
    """
    return 1.0 - 0.5**num_classes
