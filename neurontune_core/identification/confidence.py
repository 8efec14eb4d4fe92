"""Confidence of spuriousness scores: exact permutation p-values, bootstrap intervals, and a verdict in words.

Both rest on ranks. How often the medians of K misclassified and of n - K correct samples lie on given ranks of the
class when outcomes are dealt at random is a count of arrangements that no activation enters, so one table gives the
p-values of all neurons: Pitman's permutation test (1937) without a single drawn permutation, and so without a floor of
1 / (1 + B) under them. On two-valued activations it is Mood's median test (1950). In the same way the rank of a
resampled median depends on the number of samples alone, so one draw serves all neurons.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.identification.intervals import (
    LEVEL,
    RESAMPLES,
    SortedMiddle,
    bootstrap,
    neuron_blocks,
    rank_effect,
    sorted_activations,
)
from neurontune_core.identification.scores import FEW_MISTAKES, SpuriousnessScores
from neurontune_core.statistics import benjamini_hochberg

CONFIDENCES = ("not biased", "too few misclassified to say", "biased, could be chance", "biased, sure")
NOT_BIASED, TOO_FEW, COULD_BE_CHANCE, SURE = range(4)

_CUT_MASS = 1e-15  # more than the probability that `_rank_law` leaves out; added to every p-value


class Confidence:
    """p-values at once, intervals when asked for.

    Args:
        embeddings: [N, M] floats, raw (never masked).
        labels: [N] int, 0..C-1.
        predictions: [N] int.
        scores: the spuriousness scores of these predictions, by the median.
        magnitude: as for the scores.
        units: [N] int, samples with the same number belong together: the intervals are wider for it, the p-values
            treat samples as exchangeable all the same; None for none.

    Attributes:
        tested: [C] bool, the classes with correct samples and with at least `FEW_MISTAKES` misclassified ones.
        p_values: [C, M] float64, NaN for a class that is not tested: the probability of so large a delta when the
            outcomes of the class are dealt out anew at random (one-sided, as Eq. 6 is; exact, ties included). Where a
            count is even, the lower middle value of the misclassified and the upper one of the correct samples replace
            their means: any fixed ranks make an exact test, and this difference never exceeds delta. Where it is not
            positive, 1.
        adjusted: [C, M] float64, the p-values after Benjamini-Hochberg over all tested classes and neurons.

    Raises:
        InputError: when the arrays disagree, or the scores are of other predictions.

    >>> from neurontune_core.identification.scorer import spuriousness_scores
    >>> vectors, labels = np.arange(20.0).reshape(20, 1), np.zeros(20, int)
    >>> predictions = (np.arange(20) >= 14).astype(int)  # the six highest activations are misclassified
    >>> confidence = Confidence(vectors, labels, predictions, spuriousness_scores(vectors, labels, predictions, 1))
    >>> confidence.p_values.round(4).tolist(), CONFIDENCES[confidence.verdicts()[0]]
    ([[0.0007]], 'biased, sure')
    """

    def __init__(
        self,
        embeddings: np.ndarray,
        labels: np.ndarray,
        predictions: np.ndarray,
        scores: SpuriousnessScores,
        *,
        magnitude: bool = True,
        units: np.ndarray | None = None,
    ) -> None:
        labels, predictions = np.asarray(labels), np.asarray(predictions)
        if not len(embeddings) == len(labels) == len(predictions):
            raise InputError(
                f"Expected {len(embeddings)} labels and predictions, one per embedding, but got {len(labels)} and "
                f"{len(predictions)}."
            )
        classes, neurons = scores.delta.shape
        wrong = predictions != labels
        incorrect = np.array([np.count_nonzero(wrong & (labels == label)) for label in range(classes)])
        if neurons != embeddings.shape[1] or not np.array_equal(incorrect, scores.num_incorrect):
            raise InputError("The scores are of other embeddings or predictions; score these first.")
        self._scores, self._magnitude, self._units = scores, magnitude, units
        self.tested = (scores.num_incorrect >= FEW_MISTAKES) & (scores.num_correct > 0)
        self.p_values = np.full((classes, neurons), np.nan)
        self._middles: dict[int, tuple[SortedMiddle, SortedMiddle]] = {}
        for label in np.flatnonzero(self.tested):
            own = labels == label
            self._test(int(label), embeddings, np.flatnonzero(own & wrong), np.flatnonzero(own & ~wrong))
        self.adjusted = benjamini_hochberg(self.p_values)

    def verdicts(self, threshold: float = 0.0) -> np.ndarray:
        """Return [M] int8 places in `CONFIDENCES`: the strongest over the classes.

        Exactly the neurons that Eq. 6 selects are other than `NOT_BIASED`. `SURE` are those whose score chance does not
        explain (adjusted p ≤ `LEVEL`) and whose interval lies above λ.
        """
        return np.asarray(self.verdicts_by_class(threshold).max(axis=0))

    def verdicts_by_class(self, threshold: float = 0.0) -> np.ndarray:
        """Return [C, M] int8 places in `CONFIDENCES`, before the union over classes."""
        sure = (self.adjusted <= LEVEL) & (self.all_intervals[0] > threshold)
        verdicts = np.where(self.tested[:, None], np.where(sure, SURE, COULD_BE_CHANCE), TOO_FEW)
        return np.where(self._scores.biased_by_class(threshold), verdicts, NOT_BIASED).astype(np.int8)

    @cached_property
    def all_intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """Return `intervals` with the default number of resamples, computed once."""
        return self.intervals()

    def intervals(self, resamples: int = RESAMPLES) -> tuple[np.ndarray, np.ndarray]:
        """Compute the `interval` of every class: low and high, each [C, M]."""
        both = [self.interval(label, resamples) for label in range(len(self.tested))]
        return np.stack([low for low, _ in both]), np.stack([high for _, high in both])

    def interval(self, label: int, resamples: int = RESAMPLES) -> tuple[np.ndarray, np.ndarray]:
        """Compute the percentile bootstrap of delta (Efron, 1979); both outcomes are resampled independently.

        Asking for more resamples refines: the first ones stay the same.

        Returns:
            low and high: [M] float32 each, holding 1 - LEVEL; NaN for a class that is not tested.
        """
        if self.tested[label]:
            return bootstrap(self._middles[label], label, resamples)
        low = np.full(self.p_values.shape[1], np.nan, dtype=np.float32)
        return low, low.copy()

    def _test(self, label: int, embeddings: np.ndarray, wrong: np.ndarray, right: np.ndarray) -> None:
        """Compute the p-values of one class, and keep the middle of its sorted values, all that resampling needs."""
        from neurontune_core.kernels.order import larger_differences

        samples, neurons = len(wrong) + len(right), embeddings.shape[1]
        rank_wrong, rank_right = (len(wrong) - 1) // 2, len(right) // 2
        law = _rank_law(len(wrong), len(right))
        effects = [rank_effect(embeddings, rows, self._units, magnitude=self._magnitude) for rows in (wrong, right)]
        middles = SortedMiddle.of(len(wrong), neurons, effects[0]), SortedMiddle.of(len(right), neurons, effects[1])

        def test(block: slice) -> None:
            parts = []
            for rows, middle in zip((wrong, right), middles, strict=True):
                parts.append(sorted_activations(embeddings, rows, block, magnitude=self._magnitude))
                middle.keep(parts[-1], block)
            observed = parts[0][:, rank_wrong] - parts[1][:, rank_right]
            pooled = np.sort(np.concatenate(parts, axis=1), axis=1)
            larger_differences(pooled, observed, law, rank_wrong + rank_right, self.p_values[label, block])

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(test, neuron_blocks(neurons, samples)))
        self.p_values[label] = np.minimum(self.p_values[label] + _CUT_MASS, 1.0)
        self._middles[label] = middles


def _rank_law(incorrect: int, correct: int) -> np.ndarray:
    """Compute [B, A + 1] the law of the ranks b < a of the two middle values when outcomes are dealt at random.

    b is the rank of the correct samples' middle value, a that of the misclassified ones'.

    With h misclassified samples below their middle one, g correct ones below theirs and s = g + h, b ≤ s < a, and of
    all arrangements C(b, g) C(a - b - 1, s - b) C(n - 1 - a, K - 1 - h) have them there. Entry [e, j] is the
    probability that b is s - e and a at least s + 1 + j. Ranks beyond nine standard deviations, which have less than
    `_CUT_MASS`, are cut.
    """
    samples = incorrect + correct
    h, g = (incorrect - 1) // 2, correct // 2
    s = g + h
    below = min(h + 1, int(4.5 * np.sqrt(samples * incorrect / correct)) + 2)
    above = min(correct - g, int(4.5 * np.sqrt(samples * correct / incorrect)) + 2)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, samples + 1)))])

    def log_choose(n: np.ndarray | int, k: np.ndarray | int) -> np.ndarray:
        return np.asarray(log_factorial[n] - log_factorial[k] - log_factorial[n - k])

    b, a = s - np.arange(below)[:, None], s + 1 + np.arange(above)[None, :]
    law = np.exp(
        log_choose(b, g)
        + log_choose(a - b - 1, s - b)
        + log_choose(samples - 1 - a, incorrect - 1 - h)
        - log_choose(samples, incorrect)
    )
    tails = np.zeros((below, above + 1))
    tails[:, :above] = law[:, ::-1].cumsum(axis=1)[:, ::-1]
    return tails
