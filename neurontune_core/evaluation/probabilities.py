"""Class probabilities of single samples under several heads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead, softmax


def confidences(head: LinearHead, embeddings: np.ndarray) -> np.ndarray:
    """Return the probability (softmax of the logits) of the predicted class of some samples.

    Args:
        head: whose predictions they are.
        embeddings: [n, M] of the samples.

    Returns:
        [n] in 1/C..1.

    >>> confidences(LinearHead(np.array([[0.0], [1.0]]), np.zeros(2)), np.array([[np.log(3)], [0.0]])).round(2).tolist()
    [0.75, 0.5]
    """
    return softmax(head.logits(embeddings)).max(axis=1)


def class_probabilities(
    heads: Mapping[str, LinearHead], embedding_set: EmbeddingSet, row: int, most: int = 5
) -> list[tuple[str, dict[str, float]]]:
    """Return the class probabilities (softmax of the logits) of one sample under each head.

    Args:
        heads: by name.
        embedding_set: [N, M] the samples.
        row: of the sample.
        most: classes at most: the most probable ones under any head, and always the sample's own class.

    Returns:
        (class name, {head name: probability}), the most probable class under the last head first.

    >>> samples = EmbeddingSet(np.array([[np.log(3)]]), [1], ("land", "water"))
    >>> class_probabilities({"ERM": LinearHead(np.array([[0.0], [1.0]]), np.zeros(2))}, samples, row=0)
    [('water', {'ERM': 0.75}), ('land', {'ERM': 0.25})]
    """
    shares = np.stack([softmax(head.logits(embedding_set.embeddings[row : row + 1]))[0] for head in heads.values()])
    order = np.argsort(-shares.max(axis=0), kind="stable")[:most]
    shown = sorted({*order.tolist(), int(embedding_set.labels[row])}, key=lambda label: (-shares[-1, label], label))
    names = embedding_set.class_names
    return [(names[at], dict(zip(heads, map(float, shares[:, at]), strict=True))) for at in shown]
