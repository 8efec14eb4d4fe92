"""How stable the biased neurons are as the identification set shrinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import spuriousness_scores
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.statistics import Spread

SHARES = (0.9, 0.75, 0.5, 0.25, 0.1)
DRAWS = 20


@dataclass(frozen=True)
class Stability:
    """Agreement of the biased neurons of random subsets of one size with those of the whole set.

    Attributes:
        share: of the identification set, the same of every class.
        samples, mistakes: how many samples a subset has, and how many of them are misclassified on average.
        jaccard: |A ∩ B| / |A ∪ B| of a subset's biased neurons and those of the whole set, over the draws.
        by_chance: the same for random sets of as many neurons.
        masked: how many neurons are biased.
        draws: the number of subsets; those without a misclassified sample are not counted.
    """

    share: float
    samples: int
    mistakes: float
    jaccard: Spread
    by_chance: float
    masked: Spread
    draws: int


def stability(
    head: LinearHead,
    identification: EmbeddingSet,
    threshold: float = 0.0,
    *,
    shares: Sequence[float] = SHARES,
    draws: int = DRAWS,
    on_draw: Callable[[int, int], object] | None = None,
) -> list[Stability]:
    """Compare the biased neurons of random subsets, stratified by class, with those of the whole set.

    Args:
        head: whose predictions count.
        identification: D_Ide.
        threshold: λ.
        shares: sizes of the subsets.
        draws: subsets of each size; draw d of every size has seed d.
        on_draw: called after every draw with how many are done, and of how many.

    Returns:
        One entry a share, without those of which no draw holds a misclassified sample.

    Raises:
        NoMistakes: when the head makes none on the whole set.
    """
    if draws < 1:
        raise InputError(f"Expected at least one draw, but got {draws}.")
    predictions = head.predict(identification.embeddings)
    whole = _biased(identification, predictions, np.arange(identification.num_samples), threshold)
    results = []
    for place, share in enumerate(shares):
        jaccard, chance, masked, mistakes, samples = [], [], [], [], 0
        for draw in range(draws):
            rows = draw_subset(identification.labels, share, draw, identification.unit_numbers)
            samples = len(rows)
            with suppress(NoMistakes):
                part = _biased(identification, predictions, rows, threshold)
                jaccard.append(_overlap(int((part & whole).sum()), int(part.sum()), int(whole.sum())))
                expected = part.sum() * whole.sum() / len(whole)
                chance.append(_overlap(expected, int(part.sum()), int(whole.sum())))
                masked.append(float(part.sum()))
                mistakes.append(int((predictions[rows] != identification.labels[rows]).sum()))
            if on_draw is not None:
                on_draw(place * draws + draw + 1, len(shares) * draws)
        if jaccard:
            overlap, by_chance = Spread.of(jaccard), float(np.mean(chance))
            wrong = float(np.mean(mistakes))
            results.append(Stability(share, samples, wrong, overlap, by_chance, Spread.of(masked), len(jaccard)))
    return results


def stability_table(results: Sequence[Stability]) -> list[dict[str, str]]:
    """Return one row of text a share."""
    return [
        {
            "share of the set": f"{row.share:.0%}",
            "samples": str(row.samples),
            "mistakes": f"{row.mistakes:.0f}",
            "Jaccard with the whole": f"{row.jaccard.mean:.2f} ± {row.jaccard.sd:.2f}",
            "random sets of that size": f"{row.by_chance:.2f}",
            "biased neurons": f"{row.masked.mean:.0f} ± {row.masked.sd:.0f}",
            "draws": str(row.draws),
        }
        for row in results
    ]


def draw_subset(labels: np.ndarray, share: float, seed: int, units: np.ndarray | None = None) -> np.ndarray:
    """Return the rows of a random subset, stratified by class: a share of each class, and at least one sample.

    Args:
        labels: [N].
        share: in 0..1.
        seed: of the draw.
        units: [N] int, samples with the same number belong together and are drawn together, so that a class may get a
            little more than its share; None: each sample is drawn by itself.

    Returns:
        The rows in ascending order.

    >>> labels = np.repeat([0, 1], [90, 10])
    >>> np.bincount(labels[draw_subset(labels, 0.5, seed=0)]).tolist()
    [45, 5]
    """
    rng = np.random.default_rng(seed)
    if units is not None:
        return _draw_units(labels, share, units, rng)
    parts = []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        parts.append(rows[: max(1, round(share * len(rows)))])
    return np.sort(np.concatenate(parts))


def _draw_units(labels: np.ndarray, share: float, units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of whole units, drawn until every class has its share."""
    drawn = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = labels == label
        for unit in rng.permutation(np.unique(units[own])):
            if drawn[own].sum() >= max(1, round(share * own.sum())):
                break
            drawn |= units == unit
    return np.flatnonzero(drawn)


def _biased(embedding_set: EmbeddingSet, predictions: np.ndarray, rows: np.ndarray, threshold: float) -> np.ndarray:
    scores = spuriousness_scores(
        embedding_set.embeddings[rows], embedding_set.labels[rows], predictions[rows], embedding_set.num_classes
    )
    return scores.biased(threshold)


def _overlap(shared: float, first: int, second: int) -> float:
    """Return the Jaccard index of two sets from their sizes and the size of their intersection."""
    union = first + second - shared
    return float(shared / union) if union else 1.0
