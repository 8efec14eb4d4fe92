"""Sets and a head on disk for the verbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead
from tests.support.cli import M, N


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write sets with a core neuron 0, a spurious neuron 1 and noise, and a head that leans on the spurious one."""
    for seed, (split, agreement) in enumerate([("train", 0.9), ("val", 0.5), ("test", 0.5)]):
        rng = np.random.default_rng(seed)
        labels = np.arange(N) % 2
        attributes = np.where(rng.random(N) < agreement, labels, 1 - labels)
        vectors = np.abs(rng.normal(size=(N, M))).astype(np.float32)
        vectors[:, 0] += 2 * labels
        vectors[:, 1] += 3 * attributes
        EmbeddingSet(
            vectors,
            labels,
            ("land", "water"),
            groups=labels * 2 + attributes,
            group_names=("land, land", "land, water", "water, land", "water, water"),
            split=split,
        ).save(tmp_path / split)
    weight = np.zeros((2, M), dtype=np.float32)
    weight[1, :2] = 0.3, 1.0
    LinearHead(weight, np.array([2.5, 0.0]), ("land", "water")).save(tmp_path / "head.safetensors")
    return tmp_path
