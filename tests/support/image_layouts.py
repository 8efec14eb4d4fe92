"""A few kB of every image dataset in its exact layout on disk, with a class and a spurious cue.

Each maker fills a folder and returns it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.layouts import PLAN, SPLITS, picture

WATERBIRDS_FOLDER = "waterbird_complete95_forest2water2"


def waterbirds(root: Path) -> Path:
    rows = []
    for number, (y, place, split) in enumerate(PLAN, start=1):
        name = f"{number:03}.Some_Bird/Some_Bird_{number:04}.jpg"
        picture(root / name, y, place)
        rows.append([number, name, y, split, place, f"/o/ocean/{number:08}.jpg"])
    columns = ["img_id", "img_filename", "y", "split", "place", "place_filename"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "metadata.csv", index=False)
    return root


def _celeba_rows(images: Path) -> pd.DataFrame:
    rows = []
    for number, (blond, male, split) in enumerate(PLAN, start=1):
        name = f"{number:06}.jpg"
        picture(images / name, blond, male)
        rows.append((name, 1, 2 * blond - 1, 2 * male - 1, -1, split))
    return pd.DataFrame(rows, columns=["image_id", "Arched_Eyebrows", "Blond_Hair", "Male", "Young", "partition"])


def celeba_csv(root: Path) -> Path:
    """Write it as Kaggle ships it: images in a folder within a folder of the same name."""
    rows = _celeba_rows(root / "img_align_celeba" / "img_align_celeba")
    rows.drop(columns="partition").to_csv(root / "list_attr_celeba.csv", index=False)
    shuffled = rows.sample(frac=1, random_state=0)  # the files are joined by name, not by row
    shuffled[["image_id", "partition"]].to_csv(root / "list_eval_partition.csv", index=False)
    return root


def celeba_txt(root: Path) -> Path:
    """Write it as the authors ship it: ``Anno``, ``Eval`` and ``Img``."""
    rows = _celeba_rows(root / "Img" / "img_align_celeba")
    attributes = list(rows.columns[1:-1])
    lines = [f"{len(rows)}", " ".join(attributes) + " "]
    lines += [
        f"{row.image_id} " + " ".join(f"{getattr(row, name):2}" for name in attributes) for row in rows.itertuples()
    ]
    (root / "Anno").mkdir()
    (root / "Eval").mkdir()
    (root / "Anno" / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    (root / "Eval" / "list_eval_partition.txt").write_text(
        "".join(f"{row.image_id} {row.partition}\n" for row in rows.itertuples())
    )
    return root


def celeba_metadata(root: Path) -> Path:
    rows = _celeba_rows(root / "img_align_celeba")
    table = pd.DataFrame(
        {
            "img_id": range(len(rows)),
            "img_filename": rows["image_id"],
            "y": (rows["Blond_Hair"] + 1) // 2,
            "split": rows["partition"],
            "place": (rows["Male"] + 1) // 2,
        }
    )
    table.to_csv(root / "metadata.csv", index=False)
    return root


NINE = ("dog", "cat", "frog", "turtle", "bird", "primate", "fish", "crab", "insect")


def imagenet9(root: Path) -> Path:
    rows = []
    for number in range(36):
        label, split = number % 9, (0, 0, 1, 2)[number // 9]
        name = f"{SPLITS[split]}/{NINE[label]}/n{number:08}.jpg"
        picture(root / name, label, number)
        rows.append([number, name, label, NINE[label], split])
    table = pd.DataFrame(rows, columns=["img_id", "img_filename", "y", "label_name", "split"])
    table.to_csv(root / "metadata.csv", index=False)
    return root


def imagenet_a(root: Path) -> Path:
    """Write two dogs, a cat, a frog, an insect, a goldfinch that is no bird of the nine, and the release's README."""
    root = root / "imagenet-a"
    for wordnet_id in ("n02085620", "n02099601", "n02123394", "n01641577", "n02174001", "n01531178"):
        for number in range(2):
            picture(root / wordnet_id / f"0.00{number}_fox squirrel _ bow_0.{number}.jpg", number)
    (root / "README.txt").write_text("ImageNet-A")
    return root


def subpopbench(root: Path) -> Path:
    """Write ``metadata_metashift.csv`` with id, filename, split, y, a, beside the folder of the pictures."""
    rows = []
    for number, (y, a, split) in enumerate(PLAN):
        picture(root / "pictures" / f"{number}.png", y, a)
        rows.append([number, f"{number}.png", split, y, a])
    table = pd.DataFrame(rows, columns=["id", "filename", "split", "y", "a"])
    table.to_csv(root / "metadata_metashift.csv", index=False)
    return root


def wilds(root: Path) -> Path:
    """Write a table of images with the in-distribution splits of WILDS among the three."""
    rows = []
    for number, (y, _, split) in enumerate(PLAN):
        picture(root / "train" / f"{number}.png", y, number)
        name = "id_val" if number % 8 == 7 else SPLITS[split]
        rows.append([name, number % 5, y, f"{number}.png"])
    pd.DataFrame(rows, columns=["split", "location_remapped", "y", "filename"]).to_csv(
        root / "metadata.csv", index=False
    )
    return root


def split_folders(root: Path) -> Path:
    for number, (label, cue, split) in enumerate(PLAN):
        picture(root / SPLITS[split] / ("cat", "dog")[label] / f"{number}.png", label, cue)
    return root


def imagefolder(root: Path, kind: str = "csv", nested: bool = False) -> Path:
    """Write Hugging Face's imagefolder: metadata with ``file_name``, in the folder or in each split's."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, (label, cue, split) in enumerate(PLAN):
        folder = ("train", "validation", "test")[split]
        picture(root / folder / f"{number:04}.png", label, cue)
        name = f"{number:04}.png" if nested else f"{folder}/{number:04}.png"
        row = {"file_name": name, "label": ("cat", "dog")[label], "background": ("green", "blue")[cue]}
        rows.setdefault(folder if nested else "", []).append(row)
    for folder, part in rows.items():
        file = root / folder / f"metadata.{kind}"
        if kind == "csv":
            pd.DataFrame(part).to_csv(file, index=False)
        else:
            file.write_text("".join(json.dumps(row) + "\n" for row in part))
    return root


def hub_pictures(root: Path) -> Path:
    """Write what lies on the hub: ``data/<split>-....parquet`` with the pictures' bytes inside."""
    features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    (root / "data").mkdir()
    for split, name in enumerate(("train", "validation", "test")):
        cells, labels = [], []
        for number, (label, cue, place) in enumerate(PLAN):
            if place == split:
                picture(file := BytesIO(), label, cue)
                cells.append({"bytes": file.getvalue(), "path": f"{number}.png"})
                labels.append(label)
        table = pa.table({"image": pa.array(cells, kind), "label": pa.array(labels, pa.int64())})
        schema = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        pq.write_table(table.replace_schema_metadata(schema), root / "data" / f"{name}-00000-of-00001.parquet")
    return root


IMAGE_LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "waterbirds": waterbirds,
    "celeba, .csv": celeba_csv,
    "celeba, .txt": celeba_txt,
    "celeba, metadata": celeba_metadata,
    "imagenet9": imagenet9,
    "imagenet_a": imagenet_a,
    "subpopbench": subpopbench,
    "wilds": wilds,
    "split folders": split_folders,
    "imagefolder, .csv": imagefolder,
    "imagefolder, .jsonl in split folders": lambda root: imagefolder(root, "jsonl", nested=True),
    "hub parquet": hub_pictures,
}
