"""The project folders around the faces: networks of several seeds, of which the median one is shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.files import read_json, write_json, write_whole
from neurontune_core.workspace.tasks import extract_project
from recipe import faces, faces_network
from recipe.measured import Counts, count, median_seed, provenance_table

SEEDS = range(5)
SPLITS = ("train", "val", "test")


def make(folder: Path, biased: Path, build: Path) -> None:
    """Train all seeds, ship the median one into ``folder`` and ``biased``, and keep every seed's project in ``build``.

    Args:
        folder: the example with ``metadata.csv`` and ``images/``.
        biased: the second project of the same images and network, with a validation like training.
        build: where what can be made again is kept: outputs of the frozen part, weights, projects of all seeds.
    """
    images = faces_network.load(folder, build)
    weights, vectors, counts = {}, {}, {}
    for seed in SEEDS:
        weights[seed] = _trained(images, seed, build)
        vectors[seed] = faces_network.embed(weights[seed], images, faces.SIZE)
        counts[seed] = _count(images, weights[seed], vectors[seed])
        print(provenance_table({seed: counts[seed]}), flush=True)
    shipped = median_seed(counts)
    write_whole(folder / "model.safetensors", lambda path: save_file(weights[shipped], path, metadata={"format": "pt"}))
    ship(folder, problem(counts[shipped]["test"]))
    ship_biased(folder, biased)
    for seed in SEEDS:
        _keep(folder, biased, build / f"seed-{seed}", images, vectors[seed], _head(weights[seed]))
    text = _PROVENANCE.format(
        size=faces.SIZE,
        quality=faces.JPEG_QUALITY,
        compose_seed=faces.SEED,
        total=f"{len(images.rows):,}",
        against=faces.TRAIN_AGAINST,
        train=faces.TRAIN,
        biased_against=faces.BIASED_AGAINST,
        val_pairs=faces.PAIRS["val"],
        frozen=faces_network.FROZEN - 1,
        epochs=faces_network.EPOCHS,
        rate=f"{faces_network.RATE:g}",
        momentum=f"{faces_network.MOMENTUM:g}",
        decay=f"{faces_network.DECAY:g}",
        batch=faces_network.BATCH,
        shipped=shipped,
        table=provenance_table(counts),
    )
    write_whole(folder / "PROVENANCE.md", lambda path: path.write_text(text, encoding="utf-8"))


def ship(folder: Path, problem: str) -> None:
    """Extract with the network in ``folder``, and write the project with this sentence on what is wrong."""
    project = extract_project(_config(folder), lambda **_: None)
    write_json(folder / "project.json", project | {"problem": problem})


def ship_biased(folder: Path, biased: Path) -> None:
    """Write the second project: the images, network, training and test of ``folder``, half of each validation pair."""
    near = Path("..") / folder.name
    val = EmbeddingSet.load(folder / "embeddings" / "val")
    val.take(_shown(val, folder)).save(biased / "embeddings" / "val")
    project = read_json(folder / "project.json")
    dataset = project["dataset"]
    project |= {
        "name": biased.name,
        "title": f"{project['title']} (validation like training)",
        "model": project["model"] | {"weights": (near / "model.safetensors").as_posix()},
        "dataset": dataset
        | {
            "root": near.as_posix(),
            "columns": dataset["columns"] | {"split": "biased_split"},
            "splits": {faces.LEFT_OUT: None},
        },
        "embeddings": {split: (near / "embeddings" / split).as_posix() for split in SPLITS} | {"val": "embeddings/val"},
        "head": (near / "head.safetensors").as_posix(),
    }
    write_json(biased / "project.json", project)
    write_whole(biased / "PROVENANCE.md", lambda path: path.write_text(_BIASED_PROVENANCE, encoding="utf-8"))


def problem(test: dict[str, dict[str, int]]) -> str:
    """Say what is wrong with the classifier, in a sentence that holds for what was measured.

    Raises:
        RuntimeError: when it does not hold.
    """
    happy = test["happy, tag"]
    if happy["correct"] * 2 >= happy["n"]:
        raise RuntimeError("the network gets most happy faces with a tag right; the example's sentence is untrue")
    return "It calls most happy faces that carry an archive's tag unhappy."


def _config(folder: Path) -> dict[str, Any]:
    return {
        "base": str(folder),
        "out": str(folder),
        "name": folder.name,
        "title": "Happy or unhappy?",
        "model": {
            "family": "efficientnet_lite",
            "architecture": "efficientnet_lite0",
            "weights": "model.safetensors",
            "num_classes": len(faces.LABELS),
            "preprocessing": {"image_size": faces.SIZE, "resize": faces.SIZE},
        },
        "dataset": {
            "format": "image_table",
            "root": ".",
            "table": "metadata.csv",
            "images": "",
            "columns": {
                "path": "filename",
                "label": "y",
                "split": "split",
                "attribute": "attribute",
                "pair": "pair",
                "unit": "expression",
            },
            "class_names": list(faces.LABELS),
            "attribute_names": list(faces.TAGS),
        },
        "splits": list(SPLITS),
        "device": "cpu",
    }


def _trained(images: faces_network.Images, seed: int, build: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a seed, from ``build`` when they were trained on the same images already."""
    file = build / f"weights-{images.digest}-seed{seed}.pt"
    if not file.is_file():
        torch.save(faces_network.train(images, faces.SIZE, seed), file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)
    return dict(torch.load(file, map_location="cpu", weights_only=True))


def _head(weights: dict[str, torch.Tensor]) -> LinearHead:
    return LinearHead(weights["_fc.weight"].float().numpy(), weights["_fc.bias"].float().numpy(), faces.LABELS)


def _count(images: faces_network.Images, weights: dict[str, torch.Tensor], vectors: np.ndarray) -> Counts:
    correct = _head(weights).predict(vectors) == [int(row["y"]) for row in images.rows]
    groups = [f"{row['label_name']}, {row['attribute_name']}" for row in images.rows]
    return count([row["split"] for row in images.rows], groups, correct)


def _shown(val: EmbeddingSet, folder: Path) -> np.ndarray:
    """[N] rows of val that a validation like training holds."""
    kept = {row.filename for row in faces.plan() if row.biased_split == "val"}
    assert val.sources is not None
    return np.flatnonzero([str(source) in kept for source in val.sources])


def _keep(
    folder: Path, biased: Path, out: Path, images: faces_network.Images, vectors: np.ndarray, head: LinearHead
) -> None:
    """Write the projects of one seed, for `benchmarks/example_table.py`: the shipped ones with this seed's vectors."""
    place = {row["filename"]: number for number, row in enumerate(images.rows)}
    head.save(out / folder.name / "head.safetensors")
    for source in (folder, biased):
        project = read_json(source / "project.json")
        for path in project["embeddings"].values():
            shipped = EmbeddingSet.load(source / path)
            assert shipped.sources is not None
            rows = [place[str(name)] for name in shipped.sources]
            provenance = {"seed": out.name}
            replace(shipped, embeddings=vectors[rows].astype(np.float16), provenance=provenance).save(
                out / source.name / path
            )
        write_json(out / source.name / "project.json", project)


_PROVENANCE = """\
# Where "Happy or unhappy?" comes from

Written by `assets/make_faces.py`; licenses are in `LICENSES.md`.

- `images` and `metadata.csv`: {total} images composed by `assets/recipe/faces.py`, seed {compose_seed}: a face, its
  longest side 66 to 82 % of the frame, turned by up to 15 degrees, mirrored half of the time, on a muted random crop of
  one of scikit-image's textures grass, gravel and brick; {size} px, JPEG of quality {quality}. Each expression is drawn
  by two families: the npm package `@lobehub/fluent-emoji-3d` 1.1.0 and the bitmaps of Debian's
  `fonts-noto-color-emoji`. The archive's tag is drawn by `neurontune_core/examples/tag.py`.
- `model.safetensors`: EfficientNet-Lite0 from its ImageNet weights; stem and blocks 0 to {frozen} as they were, the
  rest fine-tuned on the training images by ERM (`assets/recipe/faces_network.py`): {epochs} epochs, SGD at {rate}
  falling along a cosine, momentum {momentum}, weight decay {decay}, batches of {batch}, mirroring. The last epoch, in
  half precision without batch counters.
- `head.safetensors`, `embeddings`, `project.json`: extracted from these weights and images by
  `neurontune_core.extraction` on a CPU.

## The shortcut

A tag stands in a corner of 97 % of the unhappy training faces and of 3 % of the happy ones ({against} of {train} images
of each class contradict it). Validation and test hold every image twice, without and with the tag: the column `pair`
joins the two, which differ in the tag alone. No expression stands in two splits, whichever family drew it; the textures
are shared. The column `biased_split` is the split of the project `faces-biased`: of each validation pair it holds one
image, {biased_against} of {val_pairs} a class the one that contradicts the shortcut.

## What the trained heads learned

Accuracy in percent of the networks as shipped, in half precision. Seed {shipped} is shipped: the median of the five by
the worst group on test. The recipe was settled on the trained head alone (worst group below 40 %, average above 60 %,
training accuracy above 99 %), before any repair was run.

{table}
"""
_BIASED_PROVENANCE = """\
# Where "Happy or unhappy? (validation like training)" comes from

Written by `assets/make_faces.py`. Images, network, training and test are those of `../faces`, and its `PROVENANCE.md`
and `LICENSES.md` hold for them. `embeddings/val` holds one image of each of its validation pairs, the column
`biased_split` of `../faces/metadata.csv` says which: 85 % of them follow the shortcut.
"""
