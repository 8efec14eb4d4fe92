"""AFR: automatic feature reweighting (Qiu et al., 2023), the second stage on cached embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from neurontune_core.baselines import ssl_erm
from neurontune_core.baselines.base import SELECT_HELP, Fitted, Select, Settings, best_of, setting
from neurontune_core.baselines.softmax import balanced_weights, float32_vectors
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead, softmax

_MEMORIZED = 0.995


@dataclass(frozen=True)
class AfrSettings(Settings):
    """Grids of the paper, γ × λ, rate, steps: Waterbirds 33 values of 4..20 × (0, .1, .2, .3), 1e-2, 500; CelebA 10 of
    1..3 × (.001, .01, .1), 2e-2, 1000; MultiNLI 10 of 10²..10⁵ × 26 of 0..50, 1e-2, 200; CivilComments (0, 1e-3..1e2)
    × 0, 50 steps. All settings of a grid are trained side by side.

    The paper trains the network on 80 % of the training set and re-weights the other 20 %, which it has not memorized.
    With ``held_back`` that is done for the head: it is fitted again, from zero, on what is not kept back. The vectors
    are still those of a network that has seen all, unless it was trained with ``neurontune train --keep-back 0.2``:
    then its split ``reweight`` is the tuning set.
    """

    gammas: tuple[float, ...] = setting(
        (4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 17.0, 20.0), "grid of γ: weight exp(−γ p) of a sample"
    )
    penalties: tuple[float, ...] = setting((0.0,), "grid of λ: λ‖(W, b) − (W0, b0)‖² keeps the head near the ERM head")
    steps: int = setting(500, "steps of full-batch gradient descent", low=1)
    learning_rate: float = setting(1e-2, "constant learning rate", low=1e-12)
    max_norm: float = setting(1.0, "the gradient is clipped at this norm", low=1e-12)
    held_back: float = setting(
        0.0,
        "share of the tuning set that is kept back from a head fitted again on the rest, and re-weighted (the paper: "
        "0.2); 0: all is re-weighted, from the ERM head",
        high=0.9,
    )
    split_seed: int = setting(0, "seed of the part that is kept back", high=2**63 - 1)
    select: Select = setting("worst_class_accuracy", SELECT_HELP, choices=Select)


def sample_weights(head: LinearHead, vectors: np.ndarray, labels: np.ndarray, gamma: float) -> np.ndarray:
    """Return AFR's weights, [N] exp(−γ p_true) × class balance, summing to 1; γ = 0 is class balance alone.

    Args:
        head: whose probability p_true of the true class is used.
        vectors: [N, M] embeddings.
        labels: [N].
        gamma: γ.

    >>> head = LinearHead(np.array([[0.0], [1.0]]), np.zeros(2))
    >>> sample_weights(head, np.array([[0.0], [np.log(3)], [0.0]]), np.array([0, 1, 1]), gamma=0.0).tolist()
    [0.5, 0.25, 0.25]
    """
    probability = softmax(head.logits(vectors).astype(np.float64))[np.arange(len(labels)), labels]
    weights = np.exp(-gamma * (probability - probability.min())) * balanced_weights(labels)  # no underflow at large γ
    return np.asarray(weights / weights.sum())


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: AfrSettings) -> Fitted:
    """Train one head per grid point on the tuning set from the ERM head; keep the best on the identification set."""
    if settings.held_back:
        head, tuning = _kept_back(head, identification, tuning, settings)
    vectors, labels = float32_vectors(tuning), tuning.labels
    grid = list(product(settings.gammas, settings.penalties))
    weights = np.stack([sample_weights(head, vectors, labels, gamma) for gamma, _ in grid]).astype(np.float32)
    penalty = np.array([penalty for _, penalty in grid], dtype=np.float32)
    start = np.concatenate([head.weight, head.bias[:, None]], axis=1)
    parameters = np.repeat(start[None], len(grid), axis=0)  # [grid, C, M + 1], the bias last
    for _ in range(settings.steps):
        gradient = _gradient(parameters, vectors, labels, weights)
        gradient += 2 * penalty[:, None, None] * (parameters - start)
        norm = np.sqrt((gradient**2).sum(axis=(1, 2), keepdims=True))
        parameters -= settings.learning_rate * gradient * np.minimum(1, settings.max_norm / (norm + 1e-6))
    candidates = (
        Fitted(LinearHead(point[:, :-1], point[:, -1]), {"gamma": gamma, "penalty": penalty})
        for point, (gamma, penalty) in zip(parameters, grid, strict=True)
    )
    best = best_of(candidates, identification, settings.select)
    return Fitted(best.head, best.chosen, _warnings(head, vectors, labels))


def _kept_back(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: AfrSettings
) -> tuple[LinearHead, EmbeddingSet]:
    """Return a head fitted on one part of each class, and the other part."""
    rng = np.random.default_rng(settings.split_seed)
    inside = np.zeros(tuning.num_samples, dtype=bool)
    for label in np.unique(tuning.labels):
        own = rng.permutation(np.flatnonzero(tuning.labels == label))
        inside[own[: max(1, round(settings.held_back * len(own)))]] = True
    if inside.all():
        raise InputError("AFR keeps back every sample of the tuning set, so no head can be fitted; lower held_back.")
    rest = tuning.take(np.flatnonzero(~inside))
    head = ssl_erm.fit(head, identification, rest, ssl_erm.SslErmSettings(seed=settings.split_seed)).head
    return head, tuning.take(np.flatnonzero(inside))


def _gradient(parameters: np.ndarray, vectors: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return [grid, C, M + 1], the gradient of Σ w_i CE_i at every grid point, with two matrix products in all."""
    points, classes, width = parameters.shape
    stacked = parameters.reshape(points * classes, width)
    logits = vectors @ stacked[:, :-1].T + stacked[:, -1]
    share = np.ascontiguousarray(logits.T).reshape(points, classes, -1)  # samples last: the sums below are quick
    share = np.exp(share - share.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    share[:, labels, np.arange(len(labels))] -= 1
    by_logits = (share * weights[:, None]).reshape(points * classes, -1)
    gradient = np.concatenate([by_logits @ vectors, by_logits.sum(axis=1, keepdims=True)], axis=1)
    return np.asarray(gradient.reshape(parameters.shape))


def _warnings(head: LinearHead, vectors: np.ndarray, labels: np.ndarray) -> tuple[str, ...]:
    accuracy = float((head.predict(vectors) == labels).mean())
    if accuracy < _MEMORIZED:
        return ()
    return (
        f"The head classifies {accuracy:.1%} of the tuning set correctly, so AFR has few samples to upweight; "
        "use data that the model was not trained on.",
    )
