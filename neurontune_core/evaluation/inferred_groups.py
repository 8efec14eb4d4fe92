"""Groups guessed without group labels: samples that two heads misclassify which learn from each other's mistakes (XRM).

XRM (Pezeshki et al., "Discovering Environments with XRM", ICML 2024): twin heads are each trained on a random half.
Each predicts the other half, and where it is confident, its prediction becomes the sample's label for training. So
labels that go against the shortcut are flipped, and both heads rely on it more and more. The samples that one of them
still misclassifies by their true labels are probably those that the shortcut misleads. They are guesses, never group
labels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead, softmax
from neurontune_core.kernels.half import as_float32

EASY, HARD = "probably easy", "probably hard"
_ATTEMPTS = 5  # of draws, where a class was flipped as a whole


@dataclass(frozen=True, eq=False)
class TwinHeads:
    """Two linear heads on embeddings divided by ``length``.

    Attributes:
        weights: [2, C, M + 1], the bias last.
        length: that embeddings are divided by.
        flipped: share of the training samples whose training label was not their own in the end.
    """

    weights: np.ndarray
    length: float
    flipped: float

    def mistakes(self, samples: EmbeddingSet) -> np.ndarray:
        """Return [N] bool, the samples that either head misclassifies."""
        vectors = _with_one(as_float32(samples.embeddings) / np.float32(self.length))
        wrong = [(vectors @ head.T).argmax(axis=1) != samples.labels for head in self.weights]
        return np.asarray(wrong[0] | wrong[1])


def twin_heads(
    samples: EmbeddingSet, seed: int = 0, *, steps: int = 3000, rate: float = 0.01, length: float = 10.0
) -> TwinHeads:
    """Train twin heads from zero by full-batch gradient descent, with the paper's steps and rate.

    The loss is the sum over classes of the mean cross-entropy. After each step a sample's training label becomes the
    held-out head's prediction with the probability ``(p − 1/C) C / (C − 1)``, p its confidence.

    Args:
        samples: the training set.
        seed: of the halves and of the flips.
        steps, rate: of the descent.
        length: what the mean length of an embedding is scaled to; ours, since a fixed rate trains long vectors fast
            and short ones hardly.

    Raises:
        InputError: when there are fewer than two classes, or every draw flips a class as a whole.

    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(400) % 2
    >>> shortcut = np.where(rng.random(400) < 0.9, labels, 1 - labels)
    >>> vectors = np.stack([2 * shortcut - 1, 0.3 * (2 * labels - 1)], axis=1) + 0.3 * rng.normal(size=(400, 2))
    >>> hard = twin_heads(EmbeddingSet(vectors, labels, ("cat", "dog")), steps=500).mistakes
    >>> found = hard(EmbeddingSet(vectors, labels, ("cat", "dog")))
    >>> bool(found[shortcut != labels].mean() > 0.9), bool(found[shortcut == labels].mean() < 0.1)
    (True, True)
    """
    present = np.unique(samples.labels)
    if len(present) < 2:
        raise InputError("Inferring groups needs samples of at least two classes.")
    vectors = as_float32(samples.embeddings)
    scale = float(np.linalg.norm(vectors, axis=1).mean()) / length or 1.0
    inputs = _with_one(vectors / np.float32(scale))
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, attempt])
        weights, labels = _trained(inputs, samples.labels, samples.num_classes, rng, steps, rate)
        twins = TwinHeads(weights, scale, float((labels != samples.labels).mean()))
        hard = twins.mistakes(samples)
        if not any(hard[samples.labels == label].all() for label in present):
            return twins
    raise InputError(
        f"In {_ATTEMPTS} draws the twin heads gave a class as a whole another's name, so no groups can be inferred; "
        "take another seed, or a smaller length of the vectors."
    )


def _trained(
    inputs: np.ndarray, own: np.ndarray, classes: int, rng: np.random.Generator, steps: int, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights, [2, C, M + 1], and the training labels [N] in the end."""
    samples = len(inputs)
    labels, rows = own.copy(), np.arange(samples)
    half = rng.integers(0, 2, samples)  # the head that learns from each sample
    weights = np.zeros((2, classes, inputs.shape[1]), dtype=np.float32)
    for _ in range(steps):
        logits = (inputs @ weights.reshape(2 * classes, -1).T).reshape(samples, 2, classes)
        counts = np.bincount(labels, minlength=classes)
        gradient = softmax(logits[rows, half])
        gradient[rows, labels] -= 1
        gradient /= counts[labels, None]
        both = np.zeros_like(logits)
        both[rows, half] = gradient
        weights -= np.float32(rate) * (both.reshape(samples, -1).T @ inputs).reshape(weights.shape)
        held_out = softmax(logits[rows, 1 - half].astype(np.float64))
        confidence, predicted = held_out.max(axis=1), held_out.argmax(axis=1)
        flips = rng.random(samples) < (confidence - 1 / classes) * classes / (classes - 1)
        labels = np.where(flips, predicted, labels)
    return weights, labels


def inferred_groups(samples: EmbeddingSet, hard: np.ndarray) -> EmbeddingSet:
    """Return the samples with guessed groups in place of any others: each class, probably easy or probably hard.

    Args:
        samples: the set.
        hard: [N] bool.

    >>> samples = EmbeddingSet(np.ones((2, 1)), [0, 1], ("cat", "dog"))
    >>> inferred_groups(samples, np.array([False, True])).group_names[3]
    'dog, probably hard'
    """
    names = tuple(f"{name}, {kind}" for name in samples.class_names for kind in (EASY, HARD))
    return replace(samples, groups=2 * samples.labels + hard, group_names=names, overlapping_groups=None)


def environments(head: LinearHead, samples: EmbeddingSet) -> np.ndarray:
    """Return [N] bool, the second of the two environments that EIIL infers from a head (Creager et al., ICML 2021).

    EIIL splits the samples so that the head's invariance penalty, the squared slope of each part's mean loss along the
    scale of the logits, is largest. The sum of both is largest where one part holds the samples of positive slope, and
    the other those of negative slope. With two classes these are the misclassified and the correct samples.

    >>> samples = EmbeddingSet(np.array([[1.0, 0.0], [1.0, 0.0]]), [0, 1], ("cat", "dog"))
    >>> environments(LinearHead(np.eye(2), np.zeros(2)), samples).tolist()
    [False, True]
    """
    logits = head.logits(samples.embeddings).astype(np.float64)
    left = softmax(logits)
    left[np.arange(len(left)), samples.labels] -= 1
    return np.asarray((left * logits).sum(axis=1) > 0)


def _with_one(vectors: np.ndarray) -> np.ndarray:
    return np.concatenate([vectors, np.ones((len(vectors), 1), dtype=np.float32)], axis=1)
