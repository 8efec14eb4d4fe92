"""A small project with a planted shortcut, written to a folder as an extraction would leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.files import write_json

NEURONS = 12
CORE, SHORTCUT = 0, 1  # the neuron that tells the classes apart, and the one that follows the background
CLASSES, GROUPS = ("land bird", "water bird"), ("land, land", "land, water", "water, land", "water, water")


def planted_set(split: str, aligned: float, samples: int = 240, *, groups: bool = True, seed: int = 0) -> EmbeddingSet:
    """[samples, NEURONS]: a weak core neuron, a strong shortcut neuron that agrees with the class in ``aligned`` of
    the samples, and noise."""
    rng = np.random.default_rng([seed, len(split)])
    labels = np.arange(samples) % 2
    attribute = np.where(rng.random(samples) < aligned, labels, 1 - labels)
    vectors = np.abs(rng.normal(0, 0.3, (samples, NEURONS)))
    vectors[:, CORE] += 0.8 * labels
    vectors[:, SHORTCUT] += 2.0 * attribute
    return EmbeddingSet(
        vectors.astype(np.float32),
        labels,
        CLASSES,
        groups=2 * labels + attribute if groups else None,
        group_names=GROUPS if groups else (),
        split=split,
    )


def planted_head() -> LinearHead:
    """A head that leans on the shortcut."""
    weight = np.zeros((2, NEURONS), dtype=np.float32)
    weight[1, CORE], weight[1, SHORTCUT] = 0.5, 2.0
    return LinearHead(weight, np.array([2.4, 0.0], dtype=np.float32), CLASSES)


def write_project(
    folder: Path, *, groups: bool = True, head: LinearHead | None = None, **content: Any
) -> dict[str, EmbeddingSet]:
    """A project of vectors alone; what is given as ``content`` goes into ``project.json``."""
    head = head or planted_head()
    shares = {"train": 0.95, "val": 0.5, "test": 0.5}
    sets = {split: planted_set(split, share, groups=groups) for split, share in shares.items()}
    for split, each in sets.items():
        each.save(folder / "embeddings" / split)
    head.save(folder / "head.safetensors")
    project = {
        "format": "neurontune-project/1",
        "title": "Land or water?",
        "problem": "It looks at the background.",
        "embeddings": {split: f"embeddings/{split}" for split in sets},
        "head": "head.safetensors",
        "roles": {"identification": "val", "tuning": "train", "evaluation": "test"},
    }
    write_json(folder / "project.json", project | content)
    return sets
