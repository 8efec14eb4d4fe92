"""DFR: L1 logistic regressions on group-balanced subsets, averaged over refits (Kirichenko et al., 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.baselines.base import (
    BY_GROUP,
    Fitted,
    Role,
    Settings,
    best_of,
    require_classes,
    setting,
)
from neurontune_core.baselines.l1 import l1_logistic
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.tuning.normalize import Normalizer
from neurontune_core.units import deal_units

_GRID = (1.0, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01)


@dataclass(frozen=True)
class DfrSettings(Settings):
    """The defaults are those of the public code, for every dataset."""

    strengths: tuple[float, ...] = setting(_GRID, "grid of C of the L1 penalty", low=1e-9)
    refits: int = setting(20, "group-balanced subsets whose coefficients are averaged", low=1)
    scale: Role = setting(
        "tuning", "the set whose deviations standardize the refits: tuning, as in the public code", choices=Role
    )
    seed: int = setting(0, "seed of the halves, the subsets and liblinear", high=2**31 - 1)


@dataclass(frozen=True)
class DfrTrainSettings(Settings):
    """The defaults are those of the public code."""

    strengths: tuple[float, ...] = setting(_GRID, "grid of C of the L1 penalty", low=1e-9)
    refits: int = setting(10, "group-balanced subsets whose coefficients are averaged", low=1)
    seed: int = setting(0, "seed of the subsets and liblinear", high=2**31 - 1)


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: DfrSettings) -> Fitted:
    """Choose C by worst-group accuracy on half of the identification set, then refit on subsets of all of it.

    As in the public code the choice is standardized by the samples that it is fitted on, and the refits by the training
    vectors. The two halves hold every group alike here; the public code splits at random. ``head`` is not used.

    Raises:
        InputError: when a group holds a single sample, which leaves one half without it.
    """
    require_classes(identification, "identification")
    groups, warnings = _counted(identification, "identification")
    for name, count in zip(identification.group_names, np.bincount(groups), strict=False):
        if count == 1:
            raise InputError(
                f'Group "{name}" has a single sample in the identification set, so DFR cannot choose C on one half '
                "and fit on the other; give at least two samples of each group."
            )
    rng = np.random.default_rng(settings.seed)
    train, selection = _halves(groups, identification.unit_numbers, rng)
    subset = balanced_subset(groups, train, rng)
    own_scale = Normalizer.fit(identification.embeddings[subset], "standardize")
    candidates = (
        Fitted(_refit(identification, subset, own_scale, strength, settings.seed), {"C": strength})
        for strength in settings.strengths
    )
    chosen = best_of(candidates, identification.take(selection), BY_GROUP).chosen
    scaled_by = tuning if settings.scale == "tuning" else identification
    return _averaged(identification, scaled_by, chosen, settings.refits, settings.seed, rng, warnings)


def fit_on_tuning(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: DfrTrainSettings
) -> Fitted:
    """Choose C by worst-group accuracy on the identification set, and refit on group-balanced subsets of tuning."""
    require_classes(tuning, "tuning")
    groups, warnings = _counted(tuning, "tuning")
    rng = np.random.default_rng(settings.seed)
    subset = balanced_subset(groups, np.arange(len(groups)), rng)
    normalizer = Normalizer.fit(tuning.embeddings, "standardize")
    candidates = (
        Fitted(_refit(tuning, subset, normalizer, strength, settings.seed), {"C": strength})
        for strength in settings.strengths
    )
    chosen = best_of(candidates, identification, BY_GROUP).chosen
    return _averaged(tuning, tuning, chosen, settings.refits, settings.seed, rng, warnings)


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


def _averaged(
    data: EmbeddingSet,
    scaled_by: EmbeddingSet,
    chosen: dict[str, float],
    refits: int,
    seed: int,
    rng: np.random.Generator,
    warnings: tuple[str, ...],
) -> Fitted:
    """Average the coefficients of refits on balanced subsets of all of ``data``, with the chosen C."""
    groups, everything = data.groups, np.arange(data.num_samples)
    assert groups is not None  # `_counted` has them
    normalizer = Normalizer.fit(scaled_by.embeddings, "standardize")
    heads = [
        _refit(data, balanced_subset(groups, everything, rng), normalizer, chosen["C"], seed) for _ in range(refits)
    ]
    return Fitted(LinearHead.mean(heads), chosen, warnings)


def _refit(data: EmbeddingSet, rows: np.ndarray, normalizer: Normalizer, strength: float, seed: int) -> LinearHead:
    vectors = normalizer.apply(data.embeddings[rows])
    return normalizer.fold(l1_logistic(vectors, data.labels[rows], data.num_classes, strength, seed))


def _counted(data: EmbeddingSet, role: Role) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the groups [N], and a sentence for each group without a sample."""
    assert data.groups is not None  # `Method.run` checks it
    counts = np.bincount(data.groups, minlength=len(data.group_names))
    return data.groups, tuple(
        f'Group "{name}" has no sample in the {role} set; it is left out of the balance.'
        for name, count in zip(data.group_names, counts, strict=True)
        if count == 0
    )


def _halves(groups: np.ndarray, units: np.ndarray | None, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows into two halves with every group in both, and no unit in both."""
    if units is not None:
        half = deal_units(groups, units, 2, rng)
        return np.flatnonzero(half == 0), np.flatnonzero(half == 1)
    members = [rng.permutation(np.flatnonzero(groups == group)) for group in np.unique(groups)]
    return (
        np.concatenate([part[: len(part) // 2] for part in members]),
        np.concatenate([part[len(part) // 2 :] for part in members]),
    )
