"""Projects with a planted shortcut, on disk as an extraction leaves them: of vectors alone, of pictures, of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.datasets import open_dataset
from neurontune_core.files import write_json
from tests.support.layouts import write_rows

NEURONS = 12
CORE, SHORTCUT = 0, 1  # the neuron that tells the classes apart, and the one that follows the background
CLASSES, GROUPS = ("land bird", "water bird"), ("land, land", "land, water", "water, land", "water, water")
FILES = 24  # distinct pictures, of which larger sets show each many times


def planted_set(split: str, aligned: float, samples: int = 240, *, groups: bool = True, seed: int = 0) -> EmbeddingSet:
    """Return [samples, NEURONS]: a weak core neuron, a strong shortcut neuron that agrees with the class in ``aligned``
    of the samples, and noise."""
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
    """Return a head that leans on the shortcut."""
    weight = np.zeros((2, NEURONS), dtype=np.float32)
    weight[1, CORE], weight[1, SHORTCUT] = 0.5, 2.0
    return LinearHead(weight, np.array([2.4, 0.0], dtype=np.float32), CLASSES)


def write_project(
    folder: Path, *, groups: bool = True, head: LinearHead | None = None, **content: Any
) -> dict[str, EmbeddingSet]:
    """Write a project of vectors alone; what is given as ``content`` goes into ``project.json``."""
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


def write_pictures(folder: Path, samples: int = 240) -> EmbeddingSet:
    """Write the planted shortcut with an image to each sample; return the evaluation set."""
    pictures = folder / "pictures" / "all"
    pictures.mkdir(parents=True)
    for number in range(FILES):
        shade = np.full((48, 48, 3), (10 * number, 255 - 10 * number, 120), dtype=np.uint8)
        Image.fromarray(shade).save(pictures / f"{number}.jpg")
    spec = {"format": "image_folder", "root": "pictures"}
    return _write(folder, samples, [f"all/{number}.jpg" for number in range(FILES)], dataset=spec)


def write_texts(folder: Path, texts: Sequence[str], samples: int = 240) -> EmbeddingSet:
    """Write the planted shortcut with a text to each sample; return the evaluation set."""
    spec = {"format": "text_table", "root": "texts", "table": "all.csv", "columns": {"text": "text", "label": "label"}}
    write_rows(folder / "texts" / "all.csv", [{"text": text, "label": place} for place, text in enumerate(texts)])
    sources = open_dataset(spec, folder).samples["source"].tolist()
    return _write(folder, samples, sources, dataset=spec, modality="text")


def _write(folder: Path, samples: int, sources: Sequence[str], **content: Any) -> EmbeddingSet:
    for split, aligned, count in (("train", 0.95, 240), ("val", 0.5, 240), ("test", 0.5, samples)):
        taken = np.array([sources[row % len(sources)] for row in range(count)], dtype=object)
        made = replace(planted_set(split, aligned, count), sources=taken)
        made.save(folder / "embeddings" / split)
    planted_head().save(folder / "head.safetensors")
    project = {
        "format": "neurontune-project/1",
        "title": folder.name,
        "embeddings": {split: f"embeddings/{split}" for split in ("train", "val", "test")},
        "head": "head.safetensors",
        "roles": {"identification": "val", "tuning": "train", "evaluation": "test"},
    }
    write_json(folder / "project.json", project | content)
    return made
