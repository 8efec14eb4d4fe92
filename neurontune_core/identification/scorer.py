"""The scorer: order statistics of the misclassified and of the correct samples of each class, for every neuron."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.identification.intervals import rank_effect
from neurontune_core.identification.scores import FEW_MISTAKES, NoMistakes, SpuriousnessScores, Statistic
from neurontune_core.kernels.half import as_float32, for_kernels, loops_pay

_NEURONS_PER_BLOCK = 64
_TIMES_WIDENING = 8  # numpy selects one number in the time in which it widens so many
_VALUES_PER_BLOCK = 1 << 25  # bounds the memory of the one-time sort
_MOST_ORDER_BYTES = 1 << 30  # of larger sets the sorted samples are kept in a temporary file, not in memory


class ScoreSettings(Protocol):
    """The settings that decide a score, such as `TuneConfig`'s."""

    @property
    def magnitude(self) -> bool: ...
    @property
    def statistic(self) -> Statistic: ...
    @property
    def quantile(self) -> float: ...


class SpuriousnessScorer:
    """Sorts the activations once; calling it with new predictions then only counts.

    The sorted samples take as much room as float32 embeddings. Beyond 1 GiB they are kept in a temporary file, which is
    deleted with the scorer; where the disk has no room for it, every call selects afresh, with the same numbers.

    Args:
        embeddings: [N, M] floats, raw (never masked).
        labels: [N] int, 0..C-1.
        num_classes: C.
        magnitude: score |v| as the paper says; False scores the signed activation.
        statistic: what is compared between misclassified and correct samples; the paper's is the median (numpy's, the
            mean of the two middle values).
        quantile: the quantile in (0, 1) that ``statistic="quantile"`` compares.
        class_names: for the warnings.
        units: [N] int, samples with the same number belong together, which lowers `lower_bounds`; None for none.
        sort: False for a single call: the same numbers without the one-time sort.

    >>> vectors, labels = np.array([[1.0, 4.0], [3.0, 4.0], [2.0, 9.0]]), np.array([0, 0, 0])
    >>> scorer = SpuriousnessScorer(vectors, labels, num_classes=1)
    >>> [scorer(np.array(predictions)).delta.tolist() for predictions in ([0, 0, 1], [1, 0, 0])]
    [[[0.0, 5.0]], [[-1.5, -2.5]]]
    """

    def __init__(
        self,
        embeddings: np.ndarray,
        labels: np.ndarray,
        num_classes: int,
        *,
        magnitude: bool = True,
        statistic: Statistic = "median",
        quantile: float = 0.5,
        class_names: tuple[str, ...] = (),
        units: np.ndarray | None = None,
        sort: bool = True,
    ) -> None:
        if len(labels) != len(embeddings):
            raise InputError(f"Expected {len(embeddings)} labels, one per embedding, but got {len(labels)}.")
        if statistic not in ("median", "mean", "quantile"):
            raise InputError(f'Expected statistic to be "median", "mean" or "quantile", but got "{statistic}".')
        if not 0.0 < quantile < 1.0:
            raise InputError(f"Expected a quantile between 0 and 1, but got {quantile}.")
        half = embeddings.dtype == np.float16
        self._embeddings = embeddings if half else np.asarray(embeddings, dtype=np.float32)
        self._labels, self._units = np.asarray(labels), units
        self._magnitude = magnitude
        self._statistic = statistic
        self._quantile = 0.5 if statistic == "median" else quantile
        self._class_names = class_names or tuple(str(label) for label in range(num_classes))
        self._rows = [np.flatnonzero(self._labels == label) for label in range(num_classes)]
        self._orders: list[np.ndarray] | None = None
        largest = max((len(rows) for rows in self._rows), default=0)
        index_type = np.uint16 if largest <= 1 << 16 else np.uint32
        if sort and statistic != "mean":
            needed = embeddings.size * np.dtype(index_type).itemsize
            in_memory = needed <= _MOST_ORDER_BYTES
            if in_memory or shutil.disk_usage(tempfile.gettempdir()).free > 2 * needed:
                self._orders = [self._sort(rows, index_type, in_memory) for rows in self._rows]

    @classmethod
    def for_config(
        cls,
        config: ScoreSettings,
        identification: EmbeddingSet,
        vectors: np.ndarray | None = None,
        *,
        sort: bool = True,
    ) -> SpuriousnessScorer:
        """Make the scorer of an identification set with the settings of a run.

        Args:
            config: its magnitude, statistic and quantile.
            identification: D_Ide, for its labels, class names and units.
            vectors: [N, M] the normalized embeddings of the set; by default its own.
            sort: as in `SpuriousnessScorer`.
        """
        return cls(
            identification.embeddings if vectors is None else vectors,
            identification.labels,
            identification.num_classes,
            magnitude=config.magnitude,
            statistic=config.statistic,
            quantile=config.quantile,
            class_names=identification.class_names,
            units=identification.unit_numbers,
            sort=sort,
        )

    def __call__(self, predictions: np.ndarray) -> SpuriousnessScores:
        """Score the outcomes of these predictions.

        Args:
            predictions: [N] int.

        Raises:
            NoMistakes: when every prediction is right.
            InputError: when there are not N predictions.
        """
        (scores,) = self.several([predictions])
        if scores is None:
            raise NoMistakes
        return scores

    def several(self, predictions: Sequence[np.ndarray]) -> list[SpuriousnessScores | None]:
        """Score the predictions of several heads in one pass over the sorted samples.

        Args:
            predictions: [N] int of each head.

        Returns:
            One entry a head: what a call gives, or None where it raises `NoMistakes`.
        """
        for of_head in predictions:
            if np.shape(of_head) != self._labels.shape:
                raise InputError(f"Expected {len(self._labels)} predictions, but got shape {list(np.shape(of_head))}.")
        wrong = np.array([np.asarray(of_head) != self._labels for of_head in predictions])
        mistaken = np.flatnonzero(wrong.any(axis=1))
        classes, neurons = len(self._rows), self._embeddings.shape[1]
        parts = np.full((2, len(mistaken), classes, neurons), np.nan, dtype=np.float32)
        for label, rows in enumerate(self._rows):
            if len(rows) and len(mistaken):
                parts[:, :, label] = self._statistics(label, rows, wrong[mistaken][:, rows])
        results: list[SpuriousnessScores | None] = [None] * len(predictions)
        for place, incorrect, correct in zip(mistaken, *parts, strict=True):
            results[place] = self._scores(wrong[place], incorrect, correct)
        return results

    def lower_bounds(self, predictions: np.ndarray, standard_errors: float) -> np.ndarray:
        """Compute a lower confidence bound of delta from ranks: it is positive where chance rarely flips the sign.

        The median of n samples varies over samplings as if its rank had a standard deviation of √n / 2 (its quantile
        q: √(q(1 − q)n)), whatever the activations. The bound is the value a number of ranks below the statistic of
        the misclassified samples minus the value as many ranks above that of the correct ones; where both have the
        same density, that is ``standard_errors`` standard errors of their difference. It stands for the bootstrap: at
        2, delta is positive in about 98 of 100 resamples of a neuron whose bound is positive. Where samples belong
        together, the ranks vary more (`rank_effect`), and the bound is lower.

        Args:
            predictions: [N] int.
            standard_errors: from 0.

        Returns:
            [C, M] float32; -inf where a class has too few misclassified or correct samples.

        Raises:
            InputError: when the statistic is the mean, which has no rank.

        >>> scorer = SpuriousnessScorer(np.arange(20.0).reshape(20, 1), np.zeros(20, int), num_classes=1)
        >>> wrong = (np.arange(20) >= 12).astype(int)
        >>> [scorer.lower_bounds(wrong, errors).item() for errors in (0.0, 1.0, 2.0, 5.0)]
        [9.0, 7.0, 5.0, -inf]
        """
        if self._statistic == "mean":
            raise InputError('stability needs ranks, which the mean does not have; use the statistic "median".')
        wrong = np.asarray(predictions) != self._labels
        bounds = np.full((len(self._rows), self._embeddings.shape[1]), -np.inf, dtype=np.float32)
        spread = standard_errors * (self._quantile * (1 - self._quantile)) ** 0.5
        for label, rows in enumerate(self._rows):
            incorrect = int(wrong[rows].sum())
            correct = len(rows) - incorrect
            if not incorrect or not correct:
                continue
            effects = [
                rank_effect(self._embeddings, part, self._units, magnitude=self._magnitude, quantile=self._quantile)
                for part in (rows[wrong[rows]], rows[~wrong[rows]])
            ]
            effect = (effects[0] * correct + effects[1] * incorrect) / len(rows)
            reach = spread * (incorrect * correct / len(rows)) ** 0.5 * effect**0.5
            low = math.floor(self._quantile * (incorrect - 1) - reach)
            high = math.ceil(self._quantile * (correct - 1) + reach)
            if low >= 0 and high < correct:
                below, above = self._values(label, wrong, low, high)
                bounds[label] = below - above
        return bounds

    def _values(
        self, label: int, wrong: np.ndarray, rank_incorrect: int, rank_correct: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return two [M]: one order statistic of the misclassified and one of the correct samples of a class."""
        from neurontune_core.kernels.order import order_statistics

        rows = self._rows[label]
        own = wrong[rows]
        if self._orders is None:
            chosen = ((rows[own], rank_incorrect), (rows[~own], rank_correct))
            incorrect, correct = (self._selected(part, np.array([rank, rank])) for part, rank in chosen)
            return incorrect, correct
        samples = np.zeros((self._embeddings.shape[1], 4), dtype=np.int64)
        ranks = np.array([[rank_incorrect] * 2, [rank_correct] * 2], dtype=np.int64)
        order_statistics(self._orders[label], own.astype(np.uint8), *ranks, samples)
        picked = self._embeddings[rows[samples[:, ::2]], np.arange(len(samples))[:, None]].astype(np.float32)
        values = np.abs(picked) if self._magnitude else picked
        return values[:, 0], values[:, 1]

    def _scores(self, wrong: np.ndarray, incorrect: np.ndarray, correct: np.ndarray) -> SpuriousnessScores:
        num_incorrect = np.array([int(wrong[rows].sum()) for rows in self._rows], dtype=np.int64)
        num_correct = np.array([len(rows) for rows in self._rows], dtype=np.int64) - num_incorrect
        delta = np.nan_to_num(incorrect - correct, nan=0.0)
        silent = ((incorrect == 0) | np.isnan(incorrect)) & ((correct == 0) | np.isnan(correct))
        return SpuriousnessScores(
            delta=delta,
            median_incorrect=incorrect,
            median_correct=correct,
            num_incorrect=num_incorrect,
            num_correct=num_correct,
            sfit=float(np.abs(delta).sum(dtype=np.float64)),
            num_silent=int(silent.all(axis=0).sum()),
            warnings=self._warnings(num_incorrect, num_correct),
        )

    def _statistics(self, label: int, rows: np.ndarray, wrong: np.ndarray) -> np.ndarray:
        """Compute [2, P, M] the statistic of the wrong and of the right samples of one class, NaN where there are none.

        Args:
            label: the class.
            rows: [n] its samples.
            wrong: [P, n] bool, the outcomes of P heads.
        """
        if self._statistic == "mean":
            return np.stack([[self._mean(rows[bad]), self._mean(rows[~bad])] for bad in wrong], axis=1)
        if self._orders is None:
            return np.stack([[self._selected(rows[bad]), self._selected(rows[~bad])] for bad in wrong], axis=1)
        samples = self._at_ranks(self._orders[label], wrong)
        parts = np.empty((2, len(wrong), self._embeddings.shape[1]), dtype=np.float32)
        columns = np.arange(samples.shape[1])[:, None]
        for place, num_wrong in enumerate(wrong.sum(axis=1).tolist()):
            picked = self._embeddings[rows[samples[place]], columns].astype(np.float32)
            values = np.abs(picked) if self._magnitude else picked
            parts[0, place] = self._between(values[:, 0], values[:, 1], num_wrong)
            parts[1, place] = self._between(values[:, 2], values[:, 3], len(rows) - num_wrong)
        return parts

    def _at_ranks(self, order: np.ndarray, wrong: np.ndarray) -> np.ndarray:
        """Find [P, M, 4] the samples at the statistic's two ranks among the wrong, then among the right ones."""
        from neurontune_core.kernels import order as kernels

        heads, n = wrong.shape
        counts = [(num_wrong, n - num_wrong) for num_wrong in wrong.sum(axis=1).tolist()]
        ranks = np.array([[self._ranks(count) for count in both] for both in counts]).reshape(heads, 4)
        samples = np.zeros((heads, len(order), 4), dtype=np.int64)
        if heads == 1:
            kernels.order_statistics(order, wrong[0].astype(np.uint8), ranks[0, :2], ranks[0, 2:], samples[0])
        else:
            for start in range(0, heads, kernels.MOST_HEADS):
                part = slice(start, start + kernels.MOST_HEADS)
                kernels.order_statistics_of_several(order, wrong[part], ranks[part], samples[part])
        return samples

    def _selected(self, rows: np.ndarray, ranks: np.ndarray | None = None) -> np.ndarray:
        """Compute [M] the statistic of these samples, or the value at two equal ranks, from the unsorted values."""
        low, high = self._ranks(len(rows)) if ranks is None else ranks
        if len(rows) and not loops_pay(_TIMES_WIDENING * len(rows) * self._embeddings.shape[1]):
            return self._partitioned(rows, low, high)
        from neurontune_core.kernels.select import select

        vectors = for_kernels(self._embeddings)
        bits = vectors.view(np.uint16 if vectors.dtype == np.uint16 else np.uint32)
        neurons = bits.shape[1]
        selected = np.zeros((neurons, 2), dtype=np.uint32)
        if len(rows):
            sign = 1 << (8 * bits.itemsize - 1)
            positive, negative = (0, sign) if self._magnitude else (sign, 2 * sign - 1)
            keys = np.empty((_block(neurons, len(rows)), len(rows)), dtype=np.uint32)
            select(bits, rows, low, high > low, np.uint32(positive), np.uint32(negative), keys, selected)
        values = as_float32(_floats(selected.astype(bits.dtype), self._magnitude))
        return self._between(values[:, 0], values[:, 1], len(rows))

    def _partitioned(self, rows: np.ndarray, low: int, high: int) -> np.ndarray:
        """Compute what `_selected` does, for few samples, without the compiled loops."""
        values = np.asarray(self._embeddings[rows], dtype=np.float32)
        ordered = np.partition(np.abs(values) if self._magnitude else values, (low, high), axis=0)
        return self._between(ordered[low], ordered[high], len(rows))

    def _mean(self, rows: np.ndarray) -> np.ndarray:
        """Compute [M] the mean of these samples."""
        mean = np.full(self._embeddings.shape[1], np.nan, dtype=np.float32)
        for block in _neuron_blocks(len(mean), len(rows)) if len(rows) else ():
            values = as_float32(self._embeddings[rows, block])
            mean[block] = (np.abs(values) if self._magnitude else values).mean(axis=0, dtype=np.float64)
        return mean

    def _sort(self, rows: np.ndarray, index_type: type[np.unsignedinteger], in_memory: bool) -> np.ndarray:
        """Sort the samples of a class by ascending value, for every neuron: [M, n]."""
        shape = (self._embeddings.shape[1], len(rows))
        if in_memory or len(rows) == 0:
            order = np.empty(shape, dtype=index_type)
        else:
            with tempfile.TemporaryFile() as file:  # the mapping outlives it, and nothing outlives the mapping
                order = np.asarray(np.memmap(file, index_type, "w+", shape=shape))

        def sort(block: slice) -> None:
            # Value and position packed into one integer: sorting those is several times faster than an argsort.
            keys = _keys(np.ascontiguousarray(self._embeddings[rows, block].T), self._magnitude)
            narrow = keys.dtype == np.uint16 and index_type is np.uint16
            packed: np.ndarray = keys.astype(np.uint32 if narrow else np.uint64)
            packed <<= 16 if narrow else 32
            packed |= np.arange(len(rows), dtype=packed.dtype)
            packed.sort(axis=1)
            order[block] = packed.astype(index_type)  # the lower bits

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(sort, _neuron_blocks(*shape)))
        return order

    def _ranks(self, count: int) -> np.ndarray:
        """Return [2] int64 the ranks between which the statistic of ``count`` sorted values lies."""
        if self._statistic == "median":
            return np.array([(count - 1) // 2, count // 2], dtype=np.int64)
        place = int(self._quantile * (count - 1))
        return np.array([place, min(place + 1, count - 1)], dtype=np.int64)

    def _between(self, low: np.ndarray, high: np.ndarray, count: int) -> np.ndarray:
        if count == 0:
            return np.full_like(low, np.nan)
        if self._statistic == "median":
            return (low + high) / np.float32(2)
        share = np.float32(self._quantile * (count - 1) % 1.0)
        return low + (high - low) * share

    def _warnings(self, num_incorrect: np.ndarray, num_correct: np.ndarray) -> tuple[str, ...]:
        sentences = []
        for name, bad, good in zip(self._class_names, num_incorrect, num_correct, strict=True):
            if bad + good == 0:
                sentences.append(f'Class "{name}" has no samples in the identification set; its scores are 0.')
            elif bad == 0:
                sentences.append(f'Class "{name}" has no misclassified samples; its scores are 0.')
            elif good == 0:
                sentences.append(f'Class "{name}" has no correctly classified samples; its scores are 0.')
            elif bad < FEW_MISTAKES:
                few = "1 misclassified sample" if bad == 1 else f"{bad} misclassified samples"
                sentences.append(f'Class "{name}" has only {few}; its scores may be chance.')
        return tuple(sentences)


def _block(neurons: int, samples: int) -> int:
    """Return how many neurons of so many samples are taken together."""
    return max(1, min(neurons, _NEURONS_PER_BLOCK, _VALUES_PER_BLOCK // max(1, samples)))


def _neuron_blocks(neurons: int, samples: int) -> list[slice]:
    step = _block(neurons, samples)
    return [slice(start, start + step) for start in range(0, neurons, step)]


def _keys(values: np.ndarray, magnitude: bool) -> np.ndarray:
    """Return unsigned integers, as wide as the floats, that are in the order of the values or of their magnitudes."""
    bits: np.ndarray = values.view(np.uint16 if values.dtype == np.float16 else np.uint32)
    sign = 1 << (8 * bits.itemsize - 1)
    return bits & (sign - 1) if magnitude else np.where(bits & sign, ~bits, bits | sign)


def _floats(keys: np.ndarray, magnitude: bool) -> np.ndarray:
    """Return the values, or their magnitudes, that `_keys` were made of."""
    sign = 1 << (8 * keys.itemsize - 1)
    bits = keys if magnitude else np.where(keys & sign, keys ^ keys.dtype.type(sign), ~keys)
    return bits.view(np.float16 if keys.dtype == np.uint16 else np.float32)


def spuriousness_scores(
    embeddings: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    num_classes: int,
    *,
    magnitude: bool = True,
    class_names: tuple[str, ...] = (),
) -> SpuriousnessScores:
    """Compute the spuriousness scores of one set of predictions (Eq. 5); `SpuriousnessScorer` is for many.

    Args:
        embeddings: [N, M] floats.
        labels: [N] int, 0..C-1.
        predictions: [N] int.
        num_classes: C.
        magnitude: score |v| (the paper) or, with False, v.
        class_names: for the warnings.

    Raises:
        NoMistakes: when every prediction is right.
        InputError: when the arrays disagree.

    >>> vectors, labels = np.array([[1.0, 4.0], [3.0, 4.0], [2.0, 9.0]]), np.array([0, 0, 0])
    >>> spuriousness_scores(vectors, labels, np.array([0, 0, 1]), 1).delta.tolist()
    [[0.0, 5.0]]
    """
    scorer = SpuriousnessScorer(
        embeddings, labels, num_classes, magnitude=magnitude, class_names=class_names, sort=False
    )
    return scorer(predictions)
