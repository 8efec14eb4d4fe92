"""Splits of a pool of samples, without a common unit, with a validation set that is balanced or biased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from neurontune_core import EmbeddingSet, LinearHead


class Sets(NamedTuple):
    head: LinearHead
    validation: EmbeddingSet
    train: EmbeddingSet
    test: EmbeddingSet


@dataclass(frozen=True)
class Pool:
    """Samples to draw splits from. Attribute k goes with class k in the biased splits.

    Attributes:
        vectors: [N, M].
        labels, attributes: [N] in 0..C-1.
        units: [N] what must not be split between train and test, such as a species or an object; may be the row.
    """

    vectors: np.ndarray
    labels: np.ndarray
    attributes: np.ndarray
    units: np.ndarray


def drawn(
    pool: Pool,
    seed: int,
    validation: str,
    *,
    aligned: float,
    train: int,
    val: int,
    test: int,
    penalty: float,
    shares: tuple[float, ...] = (),
) -> Sets:
    """Draw splits without a common unit.

    Args:
        aligned: the share of each class, in training, whose attribute is that of the class.
        train, val: samples a class (biased validation takes twice as many); fewer where there are not as many.
        test: samples a group at most.
        penalty: C of the logistic regression that is the ERM head.
        shares: factors on the sizes of the classes in the biased splits.
    """
    rng = np.random.default_rng([seed, 7])
    classes = int(pool.labels.max()) + 1
    names = rng.permutation(np.unique(pool.units))
    cuts = (np.array([0.5, 0.7]) * len(names)).astype(int)
    parts = [np.flatnonzero(np.isin(pool.units, some)) for some in np.split(names, cuts)]
    factors = np.array(shares or (1.0,) * classes)
    biased = np.full((classes, classes), (1 - aligned) / (classes - 1))
    np.fill_diagonal(biased, aligned)
    even = np.full((classes, classes), 1 / classes)
    counts = [
        train * biased * factors[:, None],
        val * even if validation == "balanced" else 2 * val * biased * factors[:, None],
    ]
    sets = [_take(pool, parts[k], counts[k], rng, split) for k, split in enumerate(("train", "val"))]
    cells = [
        np.sum((pool.labels[parts[2]] == y) & (pool.attributes[parts[2]] == a))
        for y in range(classes)
        for a in range(classes)
    ]
    sets.append(_take(pool, parts[2], np.full((classes, classes), float(min(test, *cells))), rng, "test"))
    return Sets(erm_head(sets[0], penalty), sets[1], sets[0], sets[2])


def _take(pool: Pool, rows: np.ndarray, counts: np.ndarray, rng: np.random.Generator, split: str) -> EmbeddingSet:
    """Take so many of each cell, all scaled down together where one has too few."""
    classes = len(counts)
    members = {
        (y, a): rng.permutation(rows[(pool.labels[rows] == y) & (pool.attributes[rows] == a)])
        for y in range(classes)
        for a in range(classes)
    }
    scale = min(1.0, *(len(members[cell]) / counts[cell] for cell in members if counts[cell] > 0))
    chosen = np.concatenate([rows[: round(scale * counts[cell])] for cell, rows in members.items()])
    names = tuple(f"class {y}" for y in range(classes))
    groups = tuple(f"class {y}, attribute {a}" for y in range(classes) for a in range(classes))
    labels = pool.labels[chosen]
    attributes, units = pool.attributes[chosen], pool.units[chosen].astype(str)
    return EmbeddingSet(
        pool.vectors[chosen], labels, names, classes * labels + attributes, groups, split=split, units=units
    )


def erm_head(train: EmbeddingSet, penalty: float) -> LinearHead:
    """Fit a logistic regression; return it as a head with one row a class."""
    with threadpool_limits(1):
        model = LogisticRegression(C=penalty, max_iter=2000).fit(train.embeddings.astype(np.float32), train.labels)
    if train.num_classes == 2:
        return LinearHead(np.concatenate([-model.coef_, model.coef_]) / 2, np.array([-1, 1]) * model.intercept_[0] / 2)
    return LinearHead(model.coef_, model.intercept_)
