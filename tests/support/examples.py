"""Projects of their own made of the default example, so that what a test does to one is seen by no other test."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from neurontune_core import EmbeddingSet
from neurontune_core.files import read_json, write_json
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, EXAMPLES

EXAMPLE = EXAMPLES[DEFAULT_EXAMPLE]


def copy_example(folder: Path) -> None:
    """Write the built-in example as a project of its own, whose pictures and network stay where they are."""
    for name in ("embeddings", "head.safetensors"):
        copy = shutil.copytree if (EXAMPLE / name).is_dir() else shutil.copyfile
        copy(EXAMPLE / name, folder / name)
    content = read_json(EXAMPLE / "project.json")
    content["model"]["weights"] = str(EXAMPLE / content["model"]["weights"])
    content["dataset"]["root"] = str(EXAMPLE)
    write_json(folder / "project.json", content)


def link_example(folder: Path, name: str) -> None:
    """Write a project of its own over the vectors, head, network and samples of a built-in example, all read only."""
    source, content = EXAMPLES[name], read_json(EXAMPLES[name] / "project.json")
    content["embeddings"] = {split: str((source / path).resolve()) for split, path in content["embeddings"].items()}
    content["head"] = str((source / content["head"]).resolve())
    for key in ("weights", "head"):
        if key in content["model"]:
            content["model"][key] = str((source / content["model"][key]).resolve())
    content["dataset"]["root"] = str((source / content["dataset"]["root"]).resolve())
    write_json(folder / "project.json", content)


def copy_part_of_example(folder: Path, samples: int) -> dict[str, EmbeddingSet]:
    """Write a project of so many samples of each split, with their pictures in its folder; return its sets by split."""
    folder.mkdir(parents=True)
    table, sets = pd.read_csv(EXAMPLE / "metadata.csv"), {}
    kept = []
    for split in ("train", "val", "test"):
        shipped = EmbeddingSet.load(EXAMPLE / "embeddings" / split)
        rows = np.linspace(0, len(shipped.labels) - 1, min(samples, len(shipped.labels))).astype(int)
        sets[split] = shipped.take(rows)
        sets[split].save(folder / "embeddings" / split)
        kept.append(table[table["split"] == split].iloc[rows])
    part = pd.concat(kept)
    part.to_csv(folder / "metadata.csv", index=False)
    for name in part["filename"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(EXAMPLE / name, folder / name)
    for name in ("head.safetensors", "model.safetensors"):
        shutil.copyfile(EXAMPLE / name, folder / name)
    write_json(folder / "project.json", read_json(EXAMPLE / "project.json"))
    return sets
