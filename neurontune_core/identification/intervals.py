"""Bootstrap intervals of spuriousness scores: all that they need is the middle of the sorted activations."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from neurontune_core.kernels.half import as_float32
from neurontune_core.units import design_effect

LEVEL = 0.05  # false discovery rate of "sure"; intervals hold 1 - LEVEL
RESAMPLES = 200

_VALUES_PER_BLOCK = 1 << 20
_NEURONS_ASKED = 64  # by `rank_effect`, evenly over all


@dataclass(frozen=True, eq=False)
class SortedMiddle:
    """The sorted values [M, w] from rank ``first`` on, of ``count`` samples: where a resampled median can lie.

    The samples count as ``independent`` ones, fewer where some belong together.
    """

    count: int
    first: int
    values: np.ndarray
    independent: int

    @classmethod
    def of(cls, count: int, neurons: int, effect: float = 1.0) -> SortedMiddle:
        """Make room for so many samples, whose ranks vary ``effect`` times as much as those of independent ones."""
        reach = int(3 * np.sqrt(count * effect)) + 1  # six deviations of the rank, sqrt(count * effect) / 2 each
        first, last = max(0, count // 2 - reach), min(count, count // 2 + reach)
        room = np.empty((neurons, last - first), dtype=np.float32)
        return cls(count, first, room, max(1, round(count / effect)))

    def draw(
        self, resamples: int, lower: np.random.Generator, step: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw [resamples] places in ``values`` of the two middle samples of each resample, equal where count is odd.

        The ranks drawn are uniform, so their order statistics are those of uniform variables: the lower middle one has
        a beta law, and the next above it is the least of the remaining ones.
        """
        place = (self.independent - 1) // 2
        low = lower.beta(place + 1, self.independent - place, resamples)
        high = low
        if self.independent % 2 == 0:
            high = 1 - (1 - low) * step.random(resamples) ** (1 / (self.independent - place - 1))
        most = self.values.shape[1] - 1
        return tuple(
            np.clip((quantile * self.count).astype(np.int64) - self.first, 0, most) for quantile in (low, high)
        )  # type: ignore[return-value]

    def keep(self, ranked: np.ndarray, block: slice) -> None:
        """Keep the middle of the sorted values [w, count] of a block of neurons."""
        self.values[block] = ranked[:, self.first : self.first + self.values.shape[1]]


def rank_effect(
    embeddings: np.ndarray, rows: np.ndarray, units: np.ndarray | None, *, magnitude: bool, quantile: float = 0.5
) -> float:
    """Compute by how much units raise the variance of the rank of a median, or of another quantile.

    The design effect (`design_effect`) of lying below the quantile, pooled over some of the neurons; 1 without units.

    Args:
        embeddings: [N, M] floats.
        rows: of one class and outcome.
        units: [N] int, samples with the same number belong together; None where each sample is one.
        magnitude: as for the scores.
        quantile: whose rank it is.

    >>> copies = np.repeat(np.random.default_rng(0).normal(size=(200, 8)), 3, axis=0)
    >>> round(rank_effect(copies, np.arange(600), np.repeat(np.arange(200), 3), magnitude=True), 1)
    3.0
    """
    if units is None or len(rows) < 2:
        return 1.0
    step = max(1, embeddings.shape[1] // _NEURONS_ASKED)
    values = as_float32(embeddings[rows][:, ::step])
    values = np.abs(values) if magnitude else values
    below = values <= np.quantile(values, quantile, axis=0)
    return float(design_effect(below.astype(np.float64), units[rows]).mean())


def score_interval(
    embeddings: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    label: int,
    *,
    magnitude: bool = True,
    units: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the 95 % interval of the scores of one class, as `Confidence.interval` does, without p-values.

    Args:
        embeddings: [N, M] floats, raw (never masked).
        labels, predictions: [N] int.
        label: the class; it needs a misclassified and a correct sample.
        magnitude: as for the scores.
        units: [N] int, samples with the same number belong together and widen the interval; None for none.

    Returns:
        low and high: [M] float32 each.

    >>> vectors, labels = np.arange(40.0).reshape(40, 1), np.zeros(40, int)
    >>> predictions = (np.arange(40) >= 28).astype(int)  # the twelve highest activations are misclassified
    >>> low, high = score_interval(vectors, labels, predictions, 0)
    >>> bool(low[0] < np.median(vectors[28:]) - np.median(vectors[:28]) < high[0])
    True
    """
    own, correct = labels == label, predictions == labels
    sides = [np.flatnonzero(own & ~correct), np.flatnonzero(own & correct)]
    neurons = embeddings.shape[1]
    wrong, right = (
        SortedMiddle.of(len(rows), neurons, rank_effect(embeddings, rows, units, magnitude=magnitude)) for rows in sides
    )

    def sort(block: slice) -> None:
        for rows, middle in zip(sides, (wrong, right), strict=True):
            middle.keep(sorted_activations(embeddings, rows, block, magnitude=magnitude), block)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sort, neuron_blocks(neurons, sum(map(len, sides)))))
    return bootstrap((wrong, right), label, RESAMPLES)


def bootstrap(middles: tuple[SortedMiddle, SortedMiddle], label: int, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the percentile bootstrap of delta (Efron, 1979); both outcomes are resampled independently.

    Args:
        middles: of the misclassified and of the correct samples of the class.
        label: the class, which seeds the draws.
        resamples: how many; asking for more keeps the first ones.

    Returns:
        low and high: [M] float32 each, holding 1 - `LEVEL`.
    """
    neurons = len(middles[0].values)
    bounds = np.empty((2, neurons), dtype=np.float32)
    streams = np.random.default_rng(label).spawn(4)
    draws = [middle.draw(resamples, *streams[2 * side : 2 * side + 2]) for side, middle in enumerate(middles)]
    for block in neuron_blocks(neurons, resamples):
        bad, good = (
            (middle.values[block][:, low] + middle.values[block][:, high]) / np.float32(2)
            for middle, (low, high) in zip(middles, draws, strict=True)
        )
        bounds[:, block] = np.quantile(bad - good, (LEVEL / 2, 1 - LEVEL / 2), axis=1)
    return bounds[0], bounds[1]


def sorted_activations(embeddings: np.ndarray, rows: np.ndarray, block: slice, *, magnitude: bool) -> np.ndarray:
    """Return [w, n] float32, the activations of a block of neurons on some rows, ascending."""
    values = as_float32(embeddings[rows, block])
    return np.sort((np.abs(values) if magnitude else values).T, axis=1)


def neuron_blocks(neurons: int, values_each: int) -> Iterator[slice]:
    """Return slices of the neurons, of which each holds about as many values."""
    size = max(16, _VALUES_PER_BLOCK // values_each)
    return (slice(start, start + size) for start in range(0, neurons, size))
