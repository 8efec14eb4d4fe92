"""A planted shortcut with a known answer, which every method of the baselines is set."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from neurontune_core import EmbeddingSet, LinearHead

CORE, ALIGNED = 2.0, 0.95  # the core's mean over its deviation; how often the shortcut agrees in training
CLASSES, GROUPS = ("land bird", "water bird"), ("land, land", "land, water", "water, land", "water, water")

# The best rule that ignores the shortcut looks at the sign of the core: right with probability Φ(μ) in every group.
ROBUST_WORST_GROUP = float(norm.cdf(CORE))


class Problem(NamedTuple):
    head: LinearHead
    identification: EmbeddingSet
    tuning: EmbeddingSet
    test: EmbeddingSet


def shortcut_set(seed: int, samples: int, aligned: float) -> EmbeddingSet:
    """Return [N, 10]: a quiet core feature, a loud shortcut and three of noise, each a pair of neurons after a ReLU."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(samples) % 2)
    attribute = np.where(rng.random(samples) < aligned, labels, 1 - labels)
    features = 0.5 * rng.normal(size=(samples, 5))
    features[:, 0] += 0.5 * CORE * (2 * labels - 1)
    features[:, 1] += 3 * (2 * attribute - 1)
    vectors = np.concatenate([np.maximum(features, 0), np.maximum(-features, 0)], axis=1)
    return EmbeddingSet(vectors, labels, CLASSES, 2 * labels + attribute, GROUPS)


def shortcut_problem(seed: int) -> Problem:
    """Return an ERM head that strong weight decay makes lean on the shortcut, and sets; all but tuning are balanced."""
    from sklearn.linear_model import LogisticRegression

    tuning = shortcut_set(3 * seed, 4000, ALIGNED)
    model = LogisticRegression(C=0.003).fit(tuning.embeddings, tuning.labels)
    head = LinearHead(np.concatenate([-model.coef_, model.coef_]) / 2, np.array([-1, 1]) * model.intercept_[0] / 2)
    return Problem(head, shortcut_set(3 * seed + 1, 1000, 0.5), tuning, shortcut_set(3 * seed + 2, 8000, 0.5))
