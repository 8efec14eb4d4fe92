"""Projects with pictures or texts but no network, on disk: thousands of samples over a few small sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neurontune_core import EmbeddingSet
from neurontune_core.datasets import open_dataset
from neurontune_core.files import write_json
from tests.support.layouts import write_rows
from tests.support.planted import planted_head, planted_set

FILES = 24


def write_pictures(folder: Path, samples: int = 240) -> EmbeddingSet:
    """The planted shortcut with a picture to each sample; returns the evaluation set."""
    pictures = folder / "pictures" / "all"
    pictures.mkdir(parents=True)
    for number in range(FILES):
        shade = np.full((48, 48, 3), (10 * number, 255 - 10 * number, 120), dtype=np.uint8)
        Image.fromarray(shade).save(pictures / f"{number}.jpg")
    spec = {"format": "image_folder", "root": "pictures"}
    return _write(folder, samples, [f"all/{number}.jpg" for number in range(FILES)], dataset=spec)


def write_texts(folder: Path, texts: Sequence[str], samples: int = 240) -> EmbeddingSet:
    """The planted shortcut with a text to each sample; returns the evaluation set."""
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
