"""Slow, independent versions of the methods in double precision, from their formulas, with a randomness of their own.

Nothing of the product but data types and default settings is used. A method's choice of epoch or grid point is made as
it is made there: by worst class, worst group, or worst inferred group of the identification set.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead

Weights = np.ndarray  # [C, M + 1], the bias last
Data = tuple[np.ndarray, np.ndarray]


def data_of(samples: EmbeddingSet) -> Data:
    """Return [N, M + 1] vectors with a 1 at the end, and labels [N]."""
    vectors = np.asarray(samples.embeddings, dtype=np.float64)
    return np.column_stack([vectors, np.ones(len(vectors))]), np.asarray(samples.labels)


def weights_of(head: LinearHead) -> Weights:
    return np.column_stack([head.weight, head.bias]).astype(np.float64)


def shares(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def losses(weights: Weights, vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(shares(vectors @ weights.T)[np.arange(len(labels)), labels], 1e-300))


def slope(weights: Weights, vectors: np.ndarray, labels: np.ndarray, each: np.ndarray) -> Weights:
    """Return the gradient of Σ each_i · cross-entropy_i by the weights."""
    left = shares(vectors @ weights.T)
    left[np.arange(len(labels)), labels] -= 1
    return (left * each[:, None]).T @ vectors


class Optimizer:
    """Torch's SGD with momentum, or AdamW, by their documented formulas."""

    def __init__(self, settings: Any) -> None:
        self.settings, self.first, self.second, self.steps = settings, 0.0, 0.0, 0

    def __call__(self, weights: Weights, gradient: Weights) -> Weights:
        own = self.settings
        self.steps += 1
        if own.optimizer == "sgd":
            gradient = gradient + own.weight_decay * weights
            self.first = gradient if self.steps == 1 else own.momentum * self.first + gradient
            return weights - own.learning_rate * self.first
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        mean, square = self.first / (1 - 0.9**self.steps), self.second / (1 - 0.999**self.steps)
        decayed = weights * (1 - own.learning_rate * own.weight_decay)
        return decayed - own.learning_rate * mean / (np.sqrt(square) + 1e-8)


def best(candidates: Iterable[Weights], judge: Data, parts: np.ndarray) -> Weights:
    """Return the weights with the best worst part of the judge; of equals the more accurate, then the earliest."""
    chosen, highest = None, (-1.0, -1.0)
    for weights in candidates:
        right = (judge[0] @ weights.T).argmax(axis=1) == judge[1]
        score = (min(right[parts == part].mean() for part in np.unique(parts)), right.mean())
        if score > highest:
            chosen, highest = weights.copy(), score
    assert chosen is not None
    return chosen


def balanced(keys: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    present = np.unique(keys)
    return np.concatenate([rng.choice(np.flatnonzero(keys == key), max(1, size // len(present))) for key in present])


def neurontune(head: LinearHead, judge: EmbeddingSet, tuning: EmbeddingSet, s: Any, rng: Any) -> Weights:
    """Retrain on masked activations every epoch; keep the epoch with the highest SFit (Eq. 5 to 7)."""
    (vectors, labels), (held, own) = data_of(tuning), data_of(judge)
    weights, step, kept, highest = weights_of(head), Optimizer(s), None, -1.0

    def scores(current: Weights) -> np.ndarray:
        right = (held @ current.T).argmax(axis=1) == own
        rows = []
        for label in np.unique(own):
            wrong, good = held[(own == label) & ~right, :-1], held[(own == label) & right, :-1]
            empty = not len(wrong) or not len(good)
            rows.append(0 if empty else np.median(abs(wrong), axis=0) - np.median(abs(good), axis=0))
        return np.array([row + np.zeros(held.shape[1] - 1) for row in rows])

    delta = scores(weights)
    for _ in range(s.epochs):
        mask = np.append(~(delta > 0).any(axis=0), True).astype(float) if s.masking else np.ones(held.shape[1])
        for _ in range(s.batches):
            rows = balanced(labels, s.batch_size, rng)
            gradient = slope(weights * mask, vectors[rows], labels[rows], np.full(len(rows), 1 / len(rows))) * mask
            weights = step(weights, gradient)
        delta = scores(weights * mask)
        if abs(delta).sum() > highest:
            kept, highest = weights * mask, abs(delta).sum()
    return kept


def group_dro(head: LinearHead, judge: EmbeddingSet, tuning: EmbeddingSet, s: Any, rng: Any) -> Weights:
    judged = data_of(judge)
    return best(robust(weights_of(head), data_of(tuning), tuning.groups, s, rng), judged, judged[1])


def robust(weights: Weights, data: Data, groups: np.ndarray, s: Any, rng: Any) -> Iterable[Weights]:
    """Yield the weights after each epoch of group DRO: q_g ∝ q_g exp(η (loss_g + C/√n_g))."""
    (vectors, labels), present, step = data, np.unique(groups), Optimizer(s)
    q, sizes = np.full(len(present), 1 / len(present)), np.array([(groups == group).sum() for group in present])
    for _ in range(s.epochs):
        for _ in range(s.batches):
            rows = balanced(groups, s.batch_size, rng)
            members = [groups[rows] == group for group in present]
            each = losses(weights, vectors[rows], labels[rows])
            q = q * np.exp(s.step_size * (np.array([each[own].mean() for own in members]) + s.adjustment / sizes**0.5))
            q /= q.sum()
            factors = sum(share * own / own.sum() for share, own in zip(q, members, strict=True))
            weights = step(weights, slope(weights, vectors[rows], labels[rows], factors))
        yield weights


def afr(head: LinearHead, judge: EmbeddingSet, tuning: EmbeddingSet, s: Any, rng: Any) -> Weights:
    (vectors, labels), judged, start = data_of(tuning), data_of(judge), weights_of(head)
    probability = shares(vectors @ start.T)[np.arange(len(labels)), labels]

    def trained(gamma: float, penalty: float) -> Weights:
        each = np.exp(-gamma * probability) / np.array([(labels == label).sum() for label in labels])
        each, weights = each / each.sum(), start
        for _ in range(s.steps):
            gradient = slope(weights, vectors, labels, each) + 2 * penalty * (weights - start)
            weights = weights - s.learning_rate * gradient * min(1, s.max_norm / (np.linalg.norm(gradient) + 1e-6))
        return weights

    return best((trained(*pair) for pair in product(s.gammas, s.penalties)), judged, judged[1])


def dfr(head: LinearHead, judge: EmbeddingSet, tuning: EmbeddingSet, s: Any, rng: Any) -> Weights:
    """Choose C on one half of the held-out set, then average refits on balanced subsets, scaled by the training set."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    (vectors, labels), groups = data_of(judge), judge.groups
    scaler = StandardScaler().fit(np.asarray(tuning.embeddings, dtype=np.float64))

    def even(rows: np.ndarray) -> np.ndarray:
        members = [rng.permutation(rows[groups[rows] == group]) for group in np.unique(groups[rows])]
        return np.concatenate([own[: min(map(len, members))] for own in members])

    def fitted(rows: np.ndarray, strength: float, scale: Any) -> Weights:
        model = LogisticRegression(l1_ratio=1, C=strength, solver="liblinear", random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(scale.transform(vectors[rows, :-1]), labels[rows])
        weight = model.coef_[0] / scale.scale_
        row = np.append(weight, model.intercept_[0] - weight @ scale.mean_)
        return np.stack([-row / 2, row / 2])

    mixed = rng.permutation(len(labels))
    subset, rest = even(mixed[: len(mixed) // 2]), mixed[len(mixed) // 2 :]
    own_scale = StandardScaler().fit(vectors[subset, :-1])
    grid = {strength: fitted(subset, strength, own_scale) for strength in s.strengths}
    chosen = best(grid.values(), (vectors[rest], labels[rest]), groups[rest])
    strength = next(key for key, weights in grid.items() if np.array_equal(weights, chosen))
    everything = np.arange(len(labels))
    return np.mean([fitted(even(everything), strength, scaler) for _ in range(s.refits)], axis=0)


def lff(head: LinearHead, judge: EmbeddingSet, tuning: EmbeddingSet, s: Any, rng: Any) -> Weights:
    (vectors, labels), judged = data_of(tuning), data_of(judge)

    def epochs() -> Iterable[Weights]:
        biased = debiased = np.zeros((tuning.num_classes, vectors.shape[1]))
        steps, running = (Optimizer(s), Optimizer(s)), np.zeros((2, len(labels)))
        for _ in range(s.epochs):
            for _ in range(s.batches):
                rows = rng.integers(0, len(labels), s.batch_size)
                batch, own = vectors[rows], labels[rows]
                for place, weights in enumerate((biased, debiased)):
                    fresh = losses(weights, batch, own)
                    running[place, rows] = s.smoothing * running[place, rows] + (1 - s.smoothing) * fresh
                tops = np.array([[each[labels == label].max() for label in own] for each in running])
                scaled = running[:, rows] / np.maximum(tops, 1e-12)
                hard = scaled[0] / np.maximum(scaled.sum(axis=0), 1e-8)
                easy = np.exp(-losses(biased, batch, own)) ** s.amplification
                biased = steps[0](biased, slope(biased, batch, own, easy / len(rows)))
                debiased = steps[1](debiased, slope(debiased, batch, own, hard / len(rows)))
            yield debiased

    return best(epochs(), judged, judged[1])


def xrm(head: LinearHead, judge: EmbeddingSet, tuning: EmbeddingSet, s: Any, rng: Any) -> Weights:
    """Set labels by twin heads' confident held-out predictions; what they get wrong makes groups for group DRO."""
    (vectors, labels), (held, own), classes = data_of(tuning), data_of(judge), tuning.num_classes
    length = np.linalg.norm(vectors[:, :-1], axis=1).mean() / s.length
    scale = np.append(np.full(vectors.shape[1] - 1, 1 / length), 1.0)
    vectors, held = vectors * scale, held * scale
    half, flipped = rng.integers(0, 2, len(labels)), labels.copy()
    twins = [np.zeros((classes, vectors.shape[1])) for _ in range(2)]
    for _ in range(s.twin_steps):
        counts = np.array([(flipped == label).sum() for label in range(classes)])
        outputs = [shares(vectors @ twin.T) for twin in twins]
        for place in (0, 1):
            each = (half == place) / counts[flipped]
            twins[place] = twins[place] - s.learning_rate * slope(twins[place], vectors, flipped, each)
        other = np.where((half == 0)[:, None], outputs[1], outputs[0])
        flips = rng.random(len(labels)) < (other.max(axis=1) - 1 / classes) * classes / (classes - 1)
        flipped = np.where(flips, other.argmax(axis=1), flipped)

    def hard(inputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return 2 * truth + np.any([(inputs @ twin.T).argmax(axis=1) != truth for twin in twins], axis=0)

    def steps() -> Iterable[Weights]:
        groups = hard(vectors, labels)
        present, weights = np.unique(groups), np.zeros((classes, vectors.shape[1]))
        q = np.full(len(present), 1 / len(present))
        for step in range(1, s.steps + 1):
            each = losses(weights, vectors, labels)
            q = q * np.exp(s.step_size * np.array([each[groups == group].mean() for group in present]))
            q /= q.sum()
            factors = sum(
                share * (groups == group) / (groups == group).sum() for share, group in zip(q, present, strict=True)
            )
            weights = weights - s.learning_rate * slope(weights, vectors, labels, factors)
            if step % 100 == 0:
                yield weights

    return best(steps(), (held, own), hard(held, own)) * scale


Peer = Callable[[LinearHead, EmbeddingSet, EmbeddingSet, Any, Any], Weights]
PEERS: dict[str, Peer] = {
    "neurontune": neurontune,
    "masking_off": neurontune,
    "group_dro": group_dro,
    "afr": afr,
    "dfr": dfr,
    "lff": lff,
    "xrm": xrm,
}


def run_peer(
    key: str, head: LinearHead, judge: EmbeddingSet, tuning: EmbeddingSet, settings: Any, seed: int
) -> LinearHead:
    """Run the slow version of a method; its seed draws other numbers than the product's."""
    weights = PEERS[key](head, judge, tuning, settings, np.random.default_rng([seed, 12345]))
    return LinearHead(weights[:, :-1], weights[:, -1], tuning.class_names)
