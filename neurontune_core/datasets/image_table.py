"""Pictures listed in a table, one row each: the Waterbirds, CelebA and SubpopBench way."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.base import IMAGE_ENDINGS, Dataset, check_relative, group_names, inside, split_name
from neurontune_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# What data sets call these columns, the likelier name first. Compared without case.
COLUMN_NAMES = {
    "path": ("filename", "img_filename", "file_name", "path", "image_path", "img_path", "image", "image_id", "id"),
    "label": ("y", "label", "target", "class", "label_name", "class_name"),
    "split": ("split", "set", "partition", "fold"),
    "attribute": ("place", "a", "attribute", "background", "confounder", "spurious", "environment"),
}
TABLE_ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl")
_MAX_CLASSES = 20_000  # integer labels beyond this are ids, not classes
_LOOKED_FOR = 25  # files looked for when a table is opened


def open_table(spec: dict[str, Any], root: Path) -> Dataset:
    """Read the table and check its columns; the pictures are opened later.

    Spec keys: ``table`` (default ``metadata.csv``), ``columns`` (``path``, ``label``, ``split``, ``attribute``; what is
    missing is guessed, ``None`` means there is none), ``images`` (the folder under root that the paths start from;
    found when not given), ``class_names``, ``attribute_names``.

    Raises:
        InputError: when a column, a label, a split or all the files are not what the spec says; it says what was found.
    """
    import pandas as pd

    table = read_table(inside(root, spec.get("table", "metadata.csv")))
    columns = _columns(table, spec)
    paths = texts(table, columns["path"])
    images = spec.get("images")
    sources = _sources(paths, find_images(root, paths) if images is None else images)
    labels, class_names = codes(texts(table, columns["label"]), spec.get("class_names"), columns["label"], "class")
    unique = len(set(sources)) == len(sources)
    ids = sources if unique else [str(row) for row in range(len(sources))]
    samples = pd.DataFrame({"id": ids, "source": sources, "label": labels, "split": ""})
    if columns.get("split"):
        samples["split"] = [split_name(value) for value in texts(table, columns["split"])]
    groups: tuple[str, ...] = ()
    if columns.get("attribute"):
        name = columns["attribute"]
        attributes, attribute_names = codes(texts(table, name), spec.get("attribute_names"), name, name)
        samples["group"] = labels * len(attribute_names) + attributes
        groups = group_names(class_names, attribute_names)
    _look_for_files(root, sources)
    return Dataset(root, samples, class_names, groups)


def read_table(path: Path) -> pd.DataFrame:
    """The table with every value as text.

    Raises:
        InputError: when the file is missing, of another kind, empty or damaged.
    """
    import pandas as pd

    if not path.is_file():
        raise InputError(f"There is no table {path}.")
    if path.suffix not in TABLE_ENDINGS:
        raise InputError(f"{path} is not a table of a known kind; use one of {', '.join(TABLE_ENDINGS)}.")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        elif path.suffix == ".jsonl":
            table = pd.read_json(path, lines=True, dtype=False)
        else:
            separator = "\t" if path.suffix == ".tsv" else ","
            table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:  # pandas' and pyarrow's parsing errors are ValueErrors
        raise InputError(f"The table {path} cannot be read ({error}).") from None
    if table.empty:
        raise InputError(f"The table {path} has no rows.")
    return table.rename(columns=str)


def texts(table: pd.DataFrame, column: str) -> list[str]:
    """The values of a column as text, without blanks around them."""
    return [str(value).strip() for value in table[column].tolist()]


def guess_columns(table: pd.DataFrame) -> dict[str, str]:
    """The roles that column names give away; a role that none does is left out."""
    by_name = {str(column).lower(): str(column) for column in table.columns}
    guessed = {}
    for role, names in COLUMN_NAMES.items():
        present = [by_name[name] for name in names if name in by_name]
        if role == "path":  # an "id" is only a path when it looks like one
            present = [name for name in present if os.path.splitext(texts(table, name)[0])[1].lower() in IMAGE_ENDINGS]
        if present:
            guessed[role] = present[0]
    return guessed


def find_images(root: Path, paths: Sequence[str]) -> str:
    """The folder under ``root`` that the paths start from: "" when they start at root itself."""
    check_relative(paths[0])
    folders = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
    return next((folder for folder in ("", *folders) if (root / folder / paths[0]).is_file()), "")


def codes(
    values: Sequence[str], names: Sequence[str] | None, column: str, prefix: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Text values as int64 indices 0..n-1, with n names.

    Whole numbers from 0 are indices already (-1 and 1, as CelebA writes, are 0 and 1); anything else is a name. Names
    come from ``names``, else they are the sorted values, or "<prefix> 0", ... for indices.

    Raises:
        InputError: for a value that is missing, out of range, or not among ``names``.
    """
    missing = next((row for row, value in enumerate(values) if value in ("", "nan", "None", "<NA>")), None)
    if missing is not None:
        raise InputError(f'Row {missing + 1} has no value in column "{column}"; fill it in or leave the row out.')
    known = None if names is None else [str(name) for name in names]
    numbers = all(re.fullmatch(r"-?\d+(\.0+)?", value) for value in set(values))
    if numbers and (known is None or not set(values) <= set(known)):
        return _integer_codes(np.array([int(float(value)) for value in values], dtype=np.int64), known, column, prefix)
    if known is None:
        known = sorted(set(values))
    index_of = {name: index for index, name in enumerate(known)}
    unknown = next((row for row, value in enumerate(values) if value not in index_of), None)
    if unknown is not None:
        raise InputError(f'"{values[unknown]}" in row {unknown + 1} of column "{column}" is not one of {known[:8]}.')
    return np.array([index_of[value] for value in values], dtype=np.int64), tuple(known)


def _columns(table: pd.DataFrame, spec: dict[str, Any]) -> dict[str, str]:
    columns = guess_columns(table) | (spec.get("columns") or {})
    unknown = set(columns) - set(COLUMN_NAMES)
    if unknown:
        raise InputError(f'columns has "{min(unknown)}", which is not one of {", ".join(COLUMN_NAMES)}.')
    found = list(table.columns)
    for role, name in columns.items():
        if name and name not in found:
            raise InputError(f'The table has no column "{name}" for the {role}; it has {found}.')
    for role in ("path", "label"):
        if not columns.get(role):
            raise InputError(
                f"No column of the table looks like the {role}; name it in columns.{role}, one of {found}."
            )
    return columns


def _integer_codes(
    indices: np.ndarray, names: Sequence[str] | None, column: str, prefix: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    if set(indices.tolist()) == {-1, 1}:
        indices = (indices + 1) // 2
    limit = len(names) if names is not None else _MAX_CLASSES
    outside = (indices < 0) | (indices >= limit)
    if outside.any():
        row = int(outside.argmax())
        allowed = f"0..{limit - 1}" + (f" for the names {list(names)[:8]}" if names is not None else "")
        raise InputError(f'{indices[row]} in row {row + 1} of column "{column}" is not a number of {allowed}.')
    if names is None:
        names = [f"{prefix} {index}" for index in range(int(indices.max()) + 1)]
    return indices, tuple(names)


def _sources(paths: list[str], images: str) -> list[str]:
    folder = images.strip("/")
    sources = [path.replace("\\", "/") for path in paths]
    for source in sources:
        check_relative(source)
    return [f"{folder}/{source}" for source in sources] if folder else sources


def _look_for_files(root: Path, sources: list[str]) -> None:
    """A picture here and there may be missing (extraction names them); all of them means a wrong folder."""
    step = max(1, len(sources) // _LOOKED_FOR)
    if not any((root / source).is_file() for source in sources[::step]):
        folders = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())[:6]
        raise InputError(
            f'None of the pictures that were looked for is in {root}, the first being "{sources[0]}"; '
            f"check the data set's folder (it holds the folders {folders})."
        )
