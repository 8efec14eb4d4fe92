"""Data sets by spec: ``{"format": "image_table" | "image_folder", "root": ...}``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from neurontune_core.datasets.base import SPLITS, Dataset
from neurontune_core.datasets.image_folder import class_folders, open_folder, pictures
from neurontune_core.datasets.image_table import (
    TABLE_ENDINGS,
    find_images,
    guess_columns,
    open_table,
    read_table,
    texts,
)
from neurontune_core.errors import InputError

FORMATS = {"image_folder": open_folder, "image_table": open_table}


class DatasetGuess(NamedTuple):
    """A spec for `open_dataset` (its root is absolute), and one sentence on what was understood."""

    spec: dict[str, Any]
    description: str


def open_dataset(spec: dict[str, Any], base: str | Path) -> Dataset:
    """Open the data set that ``spec`` names.

    Args:
        spec: ``format`` (a key of `FORMATS`), ``root`` (relative to ``base``, default ``"."``), and what the format's
            own file documents.
        base: the folder that a relative root starts from.

    Raises:
        InputError: when the format is unknown, the folder is missing, or its content is not what the spec says.
    """
    kind = spec.get("format")
    if kind not in FORMATS:
        raise InputError(f'The data set format "{kind}" is not known; use one of {", ".join(FORMATS)}.')
    root = Path(base) / spec.get("root", ".")
    if not root.is_dir():
        raise InputError(f"There is no folder {root}; give the folder of the data set.")
    return FORMATS[kind](spec, root)


def guess_dataset(path: str | Path) -> DatasetGuess:
    """Look at a folder: a table with guessed columns when there is one, else folders by class or by split and class.

    Raises:
        InputError: when the folder is missing or is neither.
    """
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise InputError(f"There is no folder {root}; give the folder of the data set.")
    tables = sorted(
        (file for file in root.iterdir() if file.is_file() and file.suffix in TABLE_ENDINGS),
        key=lambda file: (not file.stem.startswith("metadata"), file.name),
    )
    for table in tables:
        guess = _guess_table(root, table)
        if guess:
            return guess
    return _guess_folders(root, tables)


def _guess_table(root: Path, file: Path) -> DatasetGuess | None:
    table = read_table(file)
    columns = guess_columns(table)
    if "path" not in columns or "label" not in columns:
        return None
    spec: dict[str, Any] = {"format": "image_table", "root": str(root), "table": file.name, "columns": columns}
    images = find_images(root, texts(table, columns["path"]))
    if images:
        spec["images"] = images
    understood = ", ".join(f'{role} from "{column}"' for role, column in columns.items())
    missing = [role for role in ("split", "attribute") if role not in columns]
    lacking = f"; no column looks like the {' or the '.join(missing)}" if missing else ""
    return DatasetGuess(spec, f"{file.name} lists {len(table):,} pictures: {understood}{lacking}.")


def _guess_folders(root: Path, tables: list[Path]) -> DatasetGuess:
    read = f" and no column of {tables[0].name} looks like a path and a label" if tables else ""
    try:
        places = [(split, folder, len(pictures(folder))) for split, folder in class_folders(root)]
    except InputError as error:
        raise InputError(f"{str(error).rstrip('.')}{read}.") from None
    places = [place for place in places if place[2]]
    if not places:
        raise InputError(f"The folders of {root} hold no pictures{read}.")
    classes = sorted({folder.name for _, folder, _ in places})
    named = ", ".join(classes[:4]) + (", ..." if len(classes) > 4 else "")
    counts = {split: sum(count for place, _, count in places if place == split) for split in (*SPLITS, "")}
    splits = ", ".join(f"{count:,} {split}" for split, count in counts.items() if count and split)
    by_split = f" in splits by folder ({splits})" if splits else ", without splits"
    total = sum(counts.values())
    description = f"{total:,} pictures of {len(classes)} classes by folder ({named}){by_split}; groups are not known."
    return DatasetGuess({"format": "image_folder", "root": str(root)}, description)


__all__ = ["FORMATS", "Dataset", "DatasetGuess", "guess_dataset", "open_dataset"]
