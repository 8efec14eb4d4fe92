"""Waterbirds (Sagawa et al., ICLR 2020): ``waterbird_complete95_forest2water2/metadata.csv`` beside the images.

Columns ``img_id, img_filename, y, split, place, place_filename``; 11,788 rows, of which 4,795 train, 1,199 validation
and 5,794 test. WILDS ships the same table.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import Dataset, DatasetGuess
from neurontune_core.datasets.image_table import open_table
from neurontune_core.datasets.tables import read_header, read_table

COLUMNS = {"path": "img_filename", "label": "y", "split": "split", "attribute": "place"}
NAMES = {"class_names": ("landbird", "waterbird"), "attribute_names": ("land", "water")}
PREPROCESSING = {"image_size": 224, "resize": 256, "resize_mode": "squash"}


def open_waterbirds(spec: dict[str, Any], root: Path) -> Dataset:
    """Open Waterbirds; columns and names are the published ones unless the spec says otherwise.

    Args:
        spec: as for `open_table`.
        root: the folder of the dataset.

    Raises:
        InputError: as `open_table`.
    """
    spec = NAMES | spec | {"columns": COLUMNS | (spec.get("columns") or {})}
    return replace(open_table(spec, root), preprocessing=PREPROCESSING)


def guess_waterbirds(root: Path) -> DatasetGuess | None:
    if not {*COLUMNS.values(), "place_filename"} <= set(read_header(root / "metadata.csv")):
        return None
    rows = len(read_table(root / "metadata.csv", columns=["y"]))
    spec = {"format": "waterbirds", "root": str(root), "table": "metadata.csv", "columns": dict(COLUMNS)}
    return DatasetGuess(
        spec, f"Waterbirds: metadata.csv lists {rows:,} images, landbird or waterbird (y) on land or water (place)."
    )
