"""CelebA (Liu et al., ICCV 2015), blond hair against gender, in the layouts it comes in.

(i) ``list_attr_celeba.csv`` (``image_id`` and 40 attributes of -1 or 1) and ``list_eval_partition.csv``, or the
original ``.txt`` files of the same names (a count, the attribute names, then rows), with ``img_align_celeba/``, all in
one folder or in ``data/``, ``Anno/``, ``Eval/`` and ``Img/``; (ii) ``metadata.csv`` with ``img_filename, y, split,
place``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import Dataset, DatasetGuess, inside
from neurontune_core.datasets.columns import chosen_columns
from neurontune_core.datasets.image_table import from_table, open_table
from neurontune_core.datasets.tables import read_header, read_table
from neurontune_core.datasets.waterbirds import PREPROCESSING
from neurontune_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {"path": "image_id", "label": "Blond_Hair", "split": "partition", "attribute": "Male"}
METADATA_COLUMNS = {"path": "img_filename", "label": "y", "split": "split", "attribute": "place"}
NAMES = {"Blond_Hair": ("not blond", "blond"), "Male": ("female", "male")}
_PLACES = ("", "data/", "Anno/", "Eval/")


def open_celeba(spec: dict[str, Any], root: Path) -> Dataset:
    """Open CelebA.

    Args:
        spec: as for `open_table`; ``columns`` may name any two of the 40 attributes.
        root: the folder of the dataset.

    Raises:
        InputError: as `open_table`; when a file or an image's split is missing; when an attribute is not -1 or 1.
    """
    named_columns = spec.get("columns") or {}
    attributes = spec.get("table") or _find(root, "list_attr_celeba") or "metadata.csv"
    if "list_attr_celeba" not in attributes:
        names = {"class_names": NAMES["Blond_Hair"], "attribute_names": NAMES["Male"]}
        return replace(
            open_table(names | spec | {"columns": METADATA_COLUMNS | named_columns}, root), preprocessing=PREPROCESSING
        )
    partition = _find(root, "list_eval_partition")
    if partition is None:
        raise InputError(f"{root} holds {attributes} but no list_eval_partition.csv or .txt; put it beside.")
    table = _read_list(inside(root, attributes))
    splits = _read_list(inside(root, partition)).set_index("image_id")["partition"]
    table["partition"] = table["image_id"].map(splits[~splits.index.duplicated()])
    missing = table["image_id"][table["partition"].isna()]
    if len(missing):
        raise InputError(
            f'{partition} has no split for "{missing.iat[0]}" ({len(missing):,} such images); '
            f"it does not belong to {attributes}."
        )
    columns = chosen_columns(table, COLUMNS, spec, tuple(COLUMNS), required=("path", "label"))
    for role in ("label", "attribute"):
        if role in columns:
            spec = _named(spec, table, columns[role], "class_names" if role == "label" else "attribute_names")
    return replace(from_table(spec, root, table, COLUMNS), preprocessing=PREPROCESSING)


def guess_celeba(root: Path) -> DatasetGuess | None:
    if attributes := _find(root, "list_attr_celeba"):
        columns, file, rows = COLUMNS, attributes, len(_read_list(root / attributes))
    elif set(METADATA_COLUMNS.values()) <= set(read_header(root / "metadata.csv")):
        table = read_table(root / "metadata.csv", columns=["img_filename"])
        if not table["img_filename"].str.fullmatch(r"(?:.*/)?\d{6}\.(?:jpg|png)").all():
            return None
        columns, file, rows = METADATA_COLUMNS, "metadata.csv", len(table)
    else:
        return None
    spec = {"format": "celeba", "root": str(root), "table": file, "columns": dict(columns)}
    label, attribute = columns["label"], columns["attribute"]
    return DatasetGuess(
        spec, f'CelebA: {file} lists {rows:,} images, blond hair or not ("{label}") and gender ("{attribute}").'
    )


def _find(root: Path, stem: str) -> str | None:
    names = [f"{place}{stem}.{ending}" for ending in ("csv", "txt") for place in _PLACES]
    return next((name for name in names if (root / name).is_file()), None)


def _read_list(path: Path) -> pd.DataFrame:
    import pandas as pd

    if path.suffix == ".csv":
        table = read_table(path)
    else:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.split() for line in lines if line.strip()]
        names = rows[1] if len(rows) > 1 and len(rows[0]) == 1 else ["partition"]
        body = rows[2:] if names != ["partition"] else rows
        if not body or any(len(row) != len(names) + 1 for row in body):
            raise InputError(f"{path} is not a list of CelebA: expected a file name and {len(names)} values in a row.")
        table = pd.DataFrame(body, columns=["image_id", *names])
    required = "partition" if "partition" in path.name else "Blond_Hair"
    for column in ("image_id", required):
        if column not in table:
            raise InputError(f'{path} has no column "{column}"; it has {list(table.columns)}.')
    return table


def _named(spec: dict[str, Any], table: pd.DataFrame, column: str, key: str) -> dict[str, Any]:
    """Return the spec with names for the two values of an attribute, and encode the values -1 and 1 as 0 and 1."""
    index = table[column].astype("str").str.strip().map({"-1": "0", "0": "0", "1": "1"})
    if index.isna().any():
        row = int(index.isna().to_numpy().argmax())
        raise InputError(
            f'"{table[column].iat[row]}" in row {row + 1} of column "{column}" is not -1 or 1; '
            "name an attribute of CelebA."
        )
    table[column] = index
    return {key: NAMES.get(column, (f"not {column}", column))} | spec
