"""What is known of single samples: the label, the group, and how sure each head is of every class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


def class_probabilities(
    heads: Mapping[str, LinearHead], embedding_set: EmbeddingSet, row: int, most: int = 5
) -> list[tuple[str, dict[str, float]]]:
    """Class name -> probability (softmax of the logits) under each head, for one sample.

    With more than ``most`` classes, those that some head gives most to, and always the sample's own; the most probable
    under the last head first.
    """
    from neurontune_core.head import softmax

    shares = np.stack([softmax(head.logits(embedding_set.embeddings[row : row + 1]))[0] for head in heads.values()])
    order = np.argsort(-shares.max(axis=0), kind="stable")[:most]
    shown = sorted({*order.tolist(), int(embedding_set.labels[row])}, key=lambda label: (-shares[-1, label], label))
    names = embedding_set.class_names
    return [(names[at], dict(zip(heads, map(float, shares[:, at]), strict=True))) for at in shown]
