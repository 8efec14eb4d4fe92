"""What a result was made from, so that results of other embeddings, labels or heads are never mixed with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead


def origin_of(head: LinearHead, sets: Mapping[str, EmbeddingSet]) -> dict[str, str]:
    """Return the checksums of all that the results of methods depend on, apart from their settings.

    Args:
        head: the ERM head.
        sets: role -> set.

    Returns:
        Role -> checksum of the vectors; "<role> labels" -> of labels, groups and their names; "head" -> of its weights.

    >>> from neurontune_core.embeddings import EmbeddingSet
    >>> data = EmbeddingSet(np.eye(2, dtype=np.float32), np.array([0, 1]), ("cat", "dog"))
    >>> list(origin_of(LinearHead(np.eye(2), np.zeros(2)), {"tuning": data}))
    ['tuning', 'tuning labels', 'head']
    """
    origin = {}
    for role, embedding_set in sets.items():
        origin[role] = embedding_set.fingerprint
        origin[f"{role} labels"] = _labels(embedding_set)
    return origin | {"head": _digest(head.weight, head.bias)}


def same_origin(kept: Mapping[str, str], current: Mapping[str, str]) -> bool:
    """Return whether a result was made from what there is now.

    Args:
        kept: the origin that was stored with it; what older versions did not store is not compared.
        current: the origin of a new result.

    >>> same_origin({"tuning": "3fa1"}, {"tuning": "3fa1", "head": "90b2"})
    True
    >>> same_origin({"tuning": "3fa1"}, {"tuning": "77c0", "head": "90b2"})
    False
    """
    return bool(kept) and all(current.get(name) == checksum for name, checksum in kept.items())


def _labels(embedding_set: EmbeddingSet) -> str:
    overlapping = embedding_set.overlapping_groups
    names = [embedding_set.class_names, embedding_set.group_names, overlapping and overlapping.names]
    arrays: list[np.ndarray] = [np.asarray(embedding_set.labels, dtype=np.int64)]
    if embedding_set.groups is not None:
        arrays.append(np.asarray(embedding_set.groups, dtype=np.int64))
    if overlapping is not None:
        arrays.append(np.packbits(overlapping.members))
    return _digest(np.frombuffer(json.dumps(names).encode(), dtype=np.uint8), *arrays)


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
