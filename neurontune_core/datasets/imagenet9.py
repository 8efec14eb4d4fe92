"""ImageNet-9 as the ReBias line of work uses it (Bahng et al., ICML 2020): nine classes merged from ImageNet's.

A table ``metadata.csv`` with ``img_id, img_filename, y, label_name, split`` (54,600 train, 2,100 validation). It is not
the label set of the backgrounds challenge, which has the same name.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import Dataset, DatasetGuess, inside
from neurontune_core.datasets.columns import texts
from neurontune_core.datasets.image_table import open_table
from neurontune_core.datasets.tables import read_header, read_table
from neurontune_core.errors import InputError

CLASSES = ("dog", "cat", "frog", "turtle", "bird", "primate", "fish", "crab", "insect")
COLUMNS = {"path": "img_filename", "label": "y", "split": "split"}
PREPROCESSING = {"image_size": 224, "resize": 256, "resize_mode": "short_side"}


def open_imagenet9(spec: dict[str, Any], root: Path) -> Dataset:
    """Open ImageNet-9, which has no groups.

    Args:
        spec: as for `open_table`.
        root: the folder of the dataset.

    Raises:
        InputError: as `open_table`; when the column ``label_name`` holds class names in another order than ``y``.
    """
    spec = {"class_names": CLASSES} | spec | {"columns": COLUMNS | (spec.get("columns") or {})}
    _check_order(spec, root)
    return replace(open_table(spec, root), preprocessing=PREPROCESSING)


def guess_imagenet9(root: Path) -> DatasetGuess | None:
    if not {*COLUMNS.values(), "label_name"} <= set(read_header(root / "metadata.csv")):
        return None
    rows = len(read_table(root / "metadata.csv", columns=["y"]))
    spec = {"format": "imagenet9", "root": str(root), "table": "metadata.csv", "columns": dict(COLUMNS)}
    return DatasetGuess(spec, f"ImageNet-9: metadata.csv lists {rows:,} images of nine classes (y); it has no groups.")


def _check_order(spec: dict[str, Any], root: Path) -> None:
    label = spec["columns"]["label"]
    table = read_table(inside(root, spec.get("table", "metadata.csv")), columns=[label, "label_name"])
    if label not in table or "label_name" not in table:
        return
    pairs = table.drop_duplicates()
    for index, name in zip(texts(pairs, label), texts(pairs, "label_name"), strict=True):
        names = spec["class_names"]
        if name in names and index.isdigit() and index != str(names.index(name)):
            raise InputError(
                f'The table calls class {index} "{name}", but class_names have it as {names.index(name)}; '
                "put class_names in the order of the table."
            )
