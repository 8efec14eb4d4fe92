"""Hugging Face's imagefolder with metadata: ``metadata.csv``, ``.jsonl`` or ``.parquet`` with a ``file_name``.

One table in the folder, or one in each split folder (``train/metadata.csv``); paths start from the table's own folder.
Without a split column the split is the first folder of a path, where that is the name of one. Without a metadata file,
imagefolder is `image_folder`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import Dataset, DatasetGuess, inside, is_split
from neurontune_core.datasets.columns import FROM_FILE, NO_CORRECTIONS, Corrections, corrected, guess_columns, texts
from neurontune_core.datasets.files_below import subfolders
from neurontune_core.datasets.image_table import ROLES, add_strange_splits, from_table, understood, without
from neurontune_core.datasets.tables import read_table
from neurontune_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


def open_imagefolder(spec: dict[str, Any], root: Path) -> Dataset:
    """Open a Hugging Face imagefolder with metadata.

    Args:
        spec: as for `open_table`, without ``table`` and ``images``; the path column is ``file_name``.
        root: the folder of the dataset.

    Raises:
        InputError: as `open_table`, and when no table has a column ``file_name``.
    """
    table = _read(root)
    if table is None:
        raise InputError(f"{root} has no {' or '.join(NAMES)} with a column file_name, nor have its split folders.")
    return from_table({"images": ""} | spec, root, table, _guessed(table))


def guess_imagefolder(root: Path, corrections: Corrections = NO_CORRECTIONS) -> DatasetGuess | None:
    table = _read(root)
    if table is None:
        return None
    columns = corrected(_guessed(table), corrections, table, ROLES)
    if columns is None or not columns.get("label"):
        return None
    spec: dict[str, Any] = {"format": "imagefolder", "root": str(root), "columns": columns}
    left_out = add_strange_splits(spec, table)
    lacking = without(columns, ("split", "attribute"))
    return DatasetGuess(
        spec, f"imagefolder: the metadata lists {len(table):,} images: {understood(columns)}{lacking}{left_out}."
    )


def _read(root: Path) -> pd.DataFrame | None:
    import pandas as pd

    places = [root, *subfolders(root), *(subfolders(root / "data") if (root / "data").is_dir() else [])]
    files = [place / name for place in places for name in NAMES if (place / name).is_file()]
    tables = []
    for file in files:
        place = file.parent.relative_to(root).as_posix()
        table = read_table(inside(root, file.relative_to(root).as_posix()))
        if "file_name" in table:
            prefix = "" if place == "." else f"{place}/"
            tables.append(table.assign(file_name=prefix + texts(table, "file_name")))
    if not tables:
        return None
    joined = pd.concat(tables, ignore_index=True)
    folders = joined["file_name"].str.removeprefix("data/").str.split("/", n=1).str[0]
    if all(is_split(str(folder)) for folder in folders.unique()):
        joined[FROM_FILE] = folders
    return joined


def _guessed(table: pd.DataFrame) -> dict[str, str]:
    guessed = guess_columns(table) | {"path": "file_name"}
    return {"split": FROM_FILE} | guessed if FROM_FILE in table else guessed
