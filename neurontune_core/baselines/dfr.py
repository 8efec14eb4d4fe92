"""DFR: an L1 logistic regression on group-balanced held-out data, averaged over refits (Kirichenko et al., 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.baselines.base import BY_GROUP, Fitted, Settings, best_of, require_classes, setting
from neurontune_core.baselines.l1 import l1_logistic
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.tuning.normalize import Normalizer


@dataclass(frozen=True)
class DfrSettings(Settings):
    """The defaults are those of the public code, for every dataset."""

    strengths: tuple[float, ...] = setting(
        (1.0, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01), "grid of C of the L1 penalty", low=1e-9
    )
    refits: int = setting(20, "group-balanced subsets whose coefficients are averaged", low=1)
    seed: int = setting(0, "seed of the halves, the subsets and liblinear", high=2**31 - 1)


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: DfrSettings) -> Fitted:
    """Choose C by worst-group accuracy on half of the identification set, then refit on subsets of all of it.

    Only the identification set is used (the validation vectors of the paper), standardized by itself; the public code
    takes the scale of the refits from the training set instead. ``head`` is not used.

    Raises:
        InputError: when a group holds a single sample, which leaves one half without it.
    """
    require_classes(identification, "identification")
    groups = identification.groups
    assert groups is not None  # `Method.run` checks it
    warnings = []
    for name, count in zip(
        identification.group_names, np.bincount(groups, minlength=len(identification.group_names)), strict=True
    ):
        if count == 0:
            warnings.append(f'Group "{name}" has no sample in the identification set; it is left out of the balance.')
        elif count == 1:
            raise InputError(
                f'Group "{name}" has a single sample in the identification set, so DFR cannot choose C on one half '
                "and fit on the other; give at least two samples of each group."
            )
    rng = np.random.default_rng(settings.seed)
    normalizer = Normalizer.fit(identification.embeddings, "standardize")
    vectors = normalizer.apply(identification.embeddings)

    def refit(rows: np.ndarray, strength: float) -> LinearHead:
        return l1_logistic(
            vectors[rows], identification.labels[rows], identification.num_classes, strength, settings.seed
        )

    train, selection = _halves(groups, rng)
    subset = balanced_subset(groups, train, rng)
    candidates = (Fitted(normalizer.fold(refit(subset, strength)), {"C": strength}) for strength in settings.strengths)
    chosen = best_of(candidates, identification.take(selection), BY_GROUP).chosen
    everything = np.arange(len(groups))
    heads = [refit(balanced_subset(groups, everything, rng), chosen["C"]) for _ in range(settings.refits)]
    return Fitted(normalizer.fold(LinearHead.mean(heads)), chosen, tuple(warnings))


def balanced_subset(groups: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many rows of every group as the smallest has, without replacement.

    Args:
        groups: [N] int.
        rows: to draw from; a group that does not occur among them is left out.
        rng: draws them.

    >>> rows = balanced_subset(np.array([0, 0, 0, 1]), np.arange(4), np.random.default_rng(0))
    >>> len(rows), 3 in rows
    (2, True)
    """
    members = [rng.permutation(rows[groups[rows] == group]) for group in np.unique(groups[rows])]
    size = min(map(len, members))
    return np.concatenate([part[:size] for part in members])


def _halves(groups: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows into two halves with every group in both."""
    members = [rng.permutation(np.flatnonzero(groups == group)) for group in np.unique(groups)]
    return (
        np.concatenate([part[: len(part) // 2] for part in members]),
        np.concatenate([part[len(part) // 2 :] for part in members]),
    )
