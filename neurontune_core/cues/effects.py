"""How far a cue moves each neuron, in standard deviations, and what of it could be chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.statistics import benjamini_hochberg


@dataclass(frozen=True, eq=False)
class Effects:
    """Effect of a cue on each neuron.

    Attributes:
        size: [M] float32, in standard deviations of the neuron; 0 for a neuron that is the same on every sample.
        p_values: [M] float64, two-sided.
        p_adjusted: [M] float64, after Benjamini and Hochberg over the neurons.
    """

    size: np.ndarray
    p_values: np.ndarray
    p_adjusted: np.ndarray


def paired_effects(without: np.ndarray, with_cue: np.ndarray, deviation: np.ndarray) -> Effects:
    """Compute the mean change of each neuron over pairs of the same sample without and with the cue; paired t-test.

    Args:
        without, with_cue: [P, M] activations of the two members of each pair.
        deviation: [M] standard deviations of the neurons (`identification.paired.neuron_deviation`).

    Raises:
        InputError: with fewer than two pairs, or other shapes.

    >>> tag, face = np.array([[0.0, 3.0], [0.2, 5.0], [0.1, 4.0]]), np.array([[1.0, 3.1], [1.3, 4.9], [1.1, 4.0]])
    >>> effects = paired_effects(tag, face, np.array([0.5, 1.0]))
    >>> effects.size.round(2) + 0 == np.float32([2.07, 0]), bool(effects.p_adjusted[0] < 0.01 < effects.p_adjusted[1])
    (array([ True,  True]), True)
    """
    if without.shape != with_cue.shape or len(without) < 2:
        raise InputError(
            f"Expected at least two pairs to measure the cue by, but got {len(without)} samples without and "
            f"{len(with_cue)} with it."
        )
    change = with_cue.astype(np.float64) - without
    error = change.std(axis=0, ddof=1) / np.sqrt(len(change))
    return _effects(change.mean(axis=0), error, np.full(change.shape[1], len(change) - 1.0), deviation)


def contrast_effects(embeddings: np.ndarray, labels: np.ndarray, has: np.ndarray, deviation: np.ndarray) -> Effects:
    """Compute the difference of means within class between samples with and without the cue; Welch's t-test.

    Each class that has two samples of both kinds counts the same.

    Args:
        embeddings: [N, M] activations.
        labels: [N] classes.
        has: [N] bool, the samples that have the cue.
        deviation: [M] standard deviations of the neurons.

    Raises:
        InputError: when no class has two samples of both kinds.

    >>> vectors = np.array([[0.0, 1.0], [0.2, 2.0], [3.0, 1.1], [3.2, 1.9]])
    >>> has = np.array([False, False, True, True])
    >>> contrast_effects(vectors, np.zeros(4, int), has, np.ones(2)).size.round(2).tolist()
    [3.0, 0.0]
    """
    differences, variances, over_freedom = [], [], []
    for label in np.unique(labels):
        kinds = [embeddings[(labels == label) & (has == kind)].astype(np.float64) for kind in (True, False)]
        if min(map(len, kinds)) < 2:
            continue
        differences.append(kinds[0].mean(axis=0) - kinds[1].mean(axis=0))
        parts = [kind.var(axis=0, ddof=1) / len(kind) for kind in kinds]
        variances.append(sum(parts))
        over_freedom.append(sum(part**2 / (len(kind) - 1) for part, kind in zip(parts, kinds, strict=True)))
    if not differences:
        raise InputError(
            "No class has two samples with the cue and two without it, so the cue cannot be told from the class; pick "
            "samples of both kinds in at least one class."
        )
    variance, below = np.sum(variances, axis=0), np.sum(over_freedom, axis=0)
    freedom = np.divide(variance**2, below, out=np.ones_like(variance), where=below > 0)
    return _effects(np.mean(differences, axis=0), np.sqrt(variance) / len(differences), freedom, deviation)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Compute Spearman's rank correlation of two values by neuron; ties have their mean rank, 0 where all are tied.

    Args:
        first, second: [M].

    >>> rank_correlation(np.array([0.1, 0.5, 0.3]), np.array([1.0, 9.0, 4.0]))
    1.0
    """
    ranks = [_mean_ranks(np.asarray(values)) for values in (first, second)]
    centered = [rank - rank.mean() for rank in ranks]
    norm = np.sqrt(np.square(centered[0]).sum() * np.square(centered[1]).sum())
    return float(np.round((centered[0] * centered[1]).sum() / norm, 12)) if norm else 0.0


def _effects(mean: np.ndarray, error: np.ndarray, freedom: np.ndarray, deviation: np.ndarray) -> Effects:
    from scipy.stats import t

    size = np.divide(mean, deviation, out=np.zeros_like(mean), where=deviation > 0)
    certain = np.where(mean == 0, 1.0, 0.0)  # where nothing varies between the pairs
    statistic = np.divide(np.abs(mean), error, out=np.zeros_like(mean), where=error > 0)
    p_values = np.where(error > 0, 2 * t.sf(statistic, freedom), certain)
    return Effects(size.astype(np.float32), p_values, benjamini_hochberg(p_values))


def _mean_ranks(values: np.ndarray) -> np.ndarray:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return (ends - (count - 1) / 2)[place]
