"""Projects at the edges: few samples, many classes, nothing to see, something that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.files import write_json
from neurontune_core.workspace.project import ROLES
from tests.support.projects import planted_head, planted_set, write_pictures, write_project, write_texts

SILENT = 7


def a_class_without_mistakes(folder: Path) -> None:
    """Write a project in which every water bird is predicted as one, and most land birds too."""
    head = planted_head()
    write_project(folder, head=LinearHead(head.weight, np.array([0.3, 0.0]), head.class_names))


def one_class_only(folder: Path) -> None:
    """Write a project whose head knows two classes while the data hold samples of one."""
    sets = write_project(folder)
    for split, each in sets.items():
        each.take(np.flatnonzero(each.labels == 0)).save(folder / "embeddings" / split)


def no_groups(folder: Path) -> None:
    write_project(folder, groups=False)


def one_split_only(folder: Path) -> None:
    """Write a project without splits: the set carries no name, the project calls it "all", and it does everything."""
    write_project(folder, embeddings={"all": "embeddings/all"}, roles=dict.fromkeys(ROLES, "all"))
    planted_set("", 0.5).save(folder / "embeddings" / "all")


def two_samples(folder: Path) -> None:
    """Write one correct and one misclassified in every split."""
    sets = write_project(folder)
    for split, each in sets.items():
        right = planted_head().predict(each.embeddings) == each.labels
        each.take(np.array([right.argmax(), right.argmin()])).save(folder / "embeddings" / split)


def a_thousand_classes(folder: Path) -> None:
    """Write three samples of each class, about a quarter of them misclassified; no groups."""
    _classes(folder, 1000, 3000, "A thousand classes")


def six_classes(folder: Path) -> None:
    """Write fifty samples of each class, some of them misclassified; no groups."""
    _classes(folder, 6, 300, "Six classes")


def _classes(folder: Path, count: int, samples: int, title: str) -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"class {label}, with a name that is long enough to be cut" for label in range(count))
    head = LinearHead(rng.normal(size=(count, 24)), np.zeros(count), names)
    labels = np.arange(samples) % count
    for split in ("train", "val", "test"):
        noise = rng.normal(scale=0.9, size=(samples, 24))
        vectors = np.maximum(head.weight[labels] + noise, 0).astype(np.float32)
        EmbeddingSet(vectors, labels, names, split=split).save(folder / "embeddings" / split)
    head.save(folder / "head.safetensors")
    content = {
        "format": "neurontune-project/1",
        "title": title,
        "embeddings": {split: f"embeddings/{split}" for split in ("train", "val", "test")},
        "head": "head.safetensors",
        "roles": {"identification": "val", "tuning": "train", "evaluation": "test"},
    }
    write_json(folder / "project.json", content)


def a_silent_neuron(folder: Path) -> None:
    """Write a project in which a neuron of noise never fires; the others do as planted."""
    for split, each in write_project(folder).items():
        vectors = each.embeddings.copy()
        vectors[:, SILENT] = 0
        replace(each, embeddings=vectors).save(folder / "embeddings" / split)


def an_unreadable_picture(folder: Path) -> None:
    write_pictures(folder)
    (folder / "pictures" / "all" / "3.jpg").write_bytes(b"no picture")


def a_long_text(folder: Path) -> None:
    """Write a text of ten thousand words, among short ones."""
    write_texts(folder, ["a short text", "word " * 10_000, "*another* <b>one</b>"])


ODD = (
    a_class_without_mistakes,
    one_class_only,
    no_groups,
    one_split_only,
    two_samples,
    a_thousand_classes,
    a_silent_neuron,
    an_unreadable_picture,
    a_long_text,
)
