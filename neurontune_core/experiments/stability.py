"""How stable the biased neurons are as the identification set shrinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """What is left of S on random subsets of one size.

    Attributes:
        share: of the identification set, the same of every class.
        samples, mistakes: how many samples a subset has, and how many mistakes on average.
        jaccard: |A ∩ B| / |A ∪ B| of a subset's S with that of the whole set, over the draws.
        by_chance: the same for random sets of as many neurons.
        masked: how many neurons are biased.
        draws: subsets without any mistake are no draws.
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
    """Draw subsets without replacement, stratified by class, and compare their biased neurons with the whole set's.

    Args:
        head: whose mistakes count.
        identification: D_Ide.
        threshold: λ.
        shares: sizes of the subsets.
        draws: subsets of each size; draw d of every size has seed d.
        on_draw: called with how many are done, and of how many.

    Raises:
        NoMistakes: when the head makes none on the whole set.
    """
    if draws < 1:
        raise InputError(f"Expected at least one draw, but got {draws}.")
    predictions = head.predict(identification.embeddings)
    whole = _biased(identification, predictions, np.arange(identification.num_samples), threshold)
    found = []
    for place, share in enumerate(shares):
        jaccard, chance, masked, mistakes, samples = [], [], [], [], 0
        for draw in range(draws):
            rows = _subset(identification.labels, share, draw)
            samples = len(rows)
            try:
                part = _biased(identification, predictions, rows, threshold)
            except NoMistakes:
                continue
            jaccard.append(_overlap(int((part & whole).sum()), int(part.sum()), int(whole.sum())))
            both = part.sum() * whole.sum() / len(whole)
            chance.append(_overlap(both, int(part.sum()), int(whole.sum())))
            masked.append(float(part.sum()))
            mistakes.append(int((predictions[rows] != identification.labels[rows]).sum()))
            if on_draw is not None:
                on_draw(place * draws + draw + 1, len(shares) * draws)
        if jaccard:
            average = float(np.mean(mistakes))
            found.append(
                Stability(
                    share,
                    samples,
                    average,
                    Spread.of(jaccard),
                    float(np.mean(chance)),
                    Spread.of(masked),
                    len(jaccard),
                )
            )
    return found


def stability_table(found: Sequence[Stability]) -> list[dict[str, str]]:
    return [
        {
            "share of the set": f"{each.share:.0%}",
            "samples": str(each.samples),
            "mistakes": f"{each.mistakes:.0f}",
            "Jaccard with the whole": f"{each.jaccard.mean:.2f} ± {each.jaccard.sd:.2f}",
            "random sets of that size": f"{each.by_chance:.2f}",
            "biased neurons": f"{each.masked.mean:.0f} ± {each.masked.sd:.0f}",
            "draws": str(each.draws),
        }
        for each in found
    ]


def _biased(each: EmbeddingSet, predictions: np.ndarray, rows: np.ndarray, threshold: float) -> np.ndarray:
    scores = spuriousness_scores(each.embeddings[rows], each.labels[rows], predictions[rows], each.num_classes)
    return scores.biased(threshold)


def _subset(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = []
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        parts.append(own[: max(1, round(share * len(own)))])
    return np.sort(np.concatenate(parts))


def _overlap(both: float, first: int, second: int) -> float:
    either = first + second - both
    return float(both / either) if either else 1.0
