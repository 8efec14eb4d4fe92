"""Texts or pairs of texts in the rows of tables: CSV, TSV, JSON lines, Parquet, Arrow."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.base import SAMPLE_NOUNS, Dataset, DatasetGuess, is_split, split_name
from neurontune_core.datasets.columns import (
    COLUMN_NAMES,
    NO_CORRECTIONS,
    TEXT_PAIRS,
    TEXTS,
    Corrections,
    chosen_columns,
    corrected,
    guess_text_columns,
    split_remarks,
    texts,
    words,
)
from neurontune_core.datasets.image_table import add_encoding, add_strange_splits, understood, without
from neurontune_core.datasets.labels import label_samples
from neurontune_core.datasets.tables import TABLE_ENDINGS, Tables, read_tables
from neurontune_core.errors import InputError
from neurontune_core.remarks import note_in

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("text", "text2", "label", "split", "attribute", "pair", "unit", "id")
_SNIFFED = 1 << 20  # bytes at the start of a file that tell whether it has a header
_SHARD = re.compile(r"\d+-of-\d+")
_KNOWN = {*COLUMN_NAMES["label"], *COLUMN_NAMES["split"], *COLUMN_NAMES["id"], *TEXTS, *sum(TEXT_PAIRS, ())}


def open_texts(spec: dict[str, Any], root: Path) -> Dataset:
    """Read the tables of a text dataset; the texts stay in memory.

    Args:
        spec: ``table`` (a file, or split -> file or list of files), ``columns`` (``text``, ``text2`` for the second of
            a pair, ``label``, ``split``, ``attribute``, ``pair``, ``unit``, ``id``; missing ones are guessed, None
            means that there is none), ``header`` (False where the first line is a row already: the columns are "1",
            "2", ...), ``encoding``, ``class_names``, ``attribute_names``, ``splits`` (as in `open_table`).
        root: the folder of the dataset.

    Raises:
        InputError: when a column, a label, a split, an id or a text is not as the spec says.
    """
    table, sources = read_tables(
        root, spec.get("table", "metadata.csv"), encoding=spec.get("encoding", "utf-8"), header=spec.get("header", True)
    )
    return from_texts(spec, root, table, sources)


def from_texts(spec: dict[str, Any], root: Path, table: pd.DataFrame, sources: pd.Series) -> Dataset:
    """Make a dataset of the texts in the rows of a table.

    Args:
        spec, root: as for `open_texts`.
        table: the rows.
        sources: [N] the source of each.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"premise": ["It rains."], "hypothesis": ["It is wet."], "label": ["entailment"]})
    >>> dataset = from_texts({}, Path("."), table, pd.Series(["a.csv#0"]))
    >>> dataset.modality, dataset.open_text(0)
    ('text_pair', ('It rains.', 'It is wet.'))
    """
    import pandas as pd

    guessed = guess_text_columns(table)
    if (spec.get("columns") or {}).get("text") not in (None, guessed.get("text")):
        guessed.pop("text2", None)  # the guessed second text belongs to the guessed first one
    columns = chosen_columns(table, guessed, spec, ROLES, required=("text", "label"))
    samples = pd.DataFrame({"id": identities(table, columns.get("id")), "source": sources.astype(object)})
    samples["text"] = words(table, columns["text"])
    if "text2" in columns:
        samples["text2"] = words(table, columns["text2"])
    labeled, modality = label_samples(samples, table, columns, spec), "text_pair" if "text2" in columns else "text"
    return Dataset(
        root, labeled.samples, labeled.class_names, labeled.group_names, modality=modality, remarks=labeled.remarks
    )


def identities(table: pd.DataFrame, column: str | None) -> np.ndarray:
    """Return [N] unique ids: the values of a column, or the row numbers.

    Raises:
        InputError: when two rows have the same id.

    >>> import pandas as pd
    >>> identities(pd.DataFrame({"key": ["x", "y"]}), "key").tolist()
    ['x', 'y']
    >>> identities(pd.DataFrame({"key": ["x", "y"]}), None).tolist()
    ['0', '1']
    """
    if column is None:
        return np.array([str(row) for row in range(len(table))], dtype=object)
    values = texts(table, column)
    repeated = np.flatnonzero(values.duplicated().to_numpy())
    if len(repeated):
        raise InputError(
            f'Row {repeated[0] + 1} of column "{column}" repeats the id "{values.iat[repeated[0]]}" '
            f"({len(repeated):,} such rows); give each row its own, or set columns.id to null to number the rows."
        )
    return values.to_numpy(dtype=object)


def guess_texts(root: Path, tables: Tables, corrections: Corrections = NO_CORRECTIONS) -> DatasetGuess | None:
    """Recognize a table of texts; None when it has no column of texts, or none of labels."""
    spec: dict[str, Any] = {"format": "text_table", "root": str(root), "table": tables}
    first = tables if isinstance(tables, str) else next(iter(tables.values()))
    name = first if isinstance(first, str) else first[0]
    notes = _reading(root / name, spec)
    options = {key: spec[key] for key in ("encoding", "header") if key in spec}
    table, _ = read_tables(root, tables, **options)
    guessed = guess_text_columns(table) if spec.get("header", True) else _guess_by_values(table)
    if corrections.get("text") not in (None, guessed.get("text")):
        guessed.pop("text2", None)  # the guessed second text belongs to the guessed first one
    columns = corrected(guessed, corrections, table, ROLES)
    if columns is None or not columns.get("text") or not columns.get("label"):
        return None
    spec["columns"] = columns
    if "split" not in corrections:
        note_in(spec, split_remarks(table, columns))
    left_out = add_strange_splits(spec, table)
    kind = SAMPLE_NOUNS["text_pair" if columns.get("text2") else "text"]
    lacking = without(columns, ("split", "attribute"))
    where = name if isinstance(tables, str) else f"{name} and the tables beside it"
    return DatasetGuess(
        spec,
        f"{where} {'holds' if isinstance(tables, str) else 'hold'} {len(table):,} {kind}: "
        f"{understood(columns)}{lacking}{left_out}{notes}.",
    )


def tables_by_split(names: list[str]) -> dict[str, list[str]]:
    """Group files whose names differ only in a split's name and a shard number, such as ``train.tsv`` and ``dev.tsv``.

    Returns:
        Split -> files, of the largest such family; empty when no name contains that of a split.

    >>> tables_by_split(["dev.tsv", "readme.txt", "train.tsv"])
    {'val': ['dev.tsv'], 'train': ['train.tsv']}
    """
    families: dict[str, dict[str, list[str]]] = {}
    for name in sorted(names):
        path = Path(name)
        parts = re.split(r"([-_./])", _SHARD.sub("", path.with_suffix("").as_posix()).strip("-_."))
        place = next((place for place in range(len(parts) - 1, -1, -1) if is_split(parts[place])), None)
        if path.suffix.lower() in TABLE_ENDINGS and place is not None:
            family = "".join((*parts[:place], "*", *parts[place + 1 :], path.suffix))
            families.setdefault(family, {}).setdefault(split_name(parts[place]), []).append(name)
    return max(families.values(), key=lambda family: (len(family), sum(map(len, family.values()))), default={})


def _reading(path: Path, spec: dict[str, Any]) -> str:
    """Record encoding and header in the spec where they are unusual, and return a remark on both."""
    notes = add_encoding(spec, path)
    if path.suffix.lower() not in (".csv", ".tsv", ".txt", ""):
        return notes
    with path.open("rb") as file:
        lines = file.read(_SNIFFED).decode(spec.get("encoding", "utf-8-sig"), errors="replace").splitlines()[:-1]
    try:
        rows = [row for row in csv.reader(lines, delimiter="," if path.suffix.lower() == ".csv" else "\t") if row]
    except csv.Error:  # a text longer than its limit: a quote that is never closed, or a book
        return notes
    if rows and not _KNOWN & {cell.strip().lower() for cell in rows[0]}:
        below = [set(column) for column in zip(*rows[1:], strict=False)]
        if any(cell in values for cell, values in zip(rows[0], below, strict=False)):  # a title is no value
            spec["header"] = False
            notes += "; its first line is a row, so the columns are numbered"
    return notes


def _guess_by_values(table: pd.DataFrame) -> dict[str, str]:
    """Guess the columns of a table without a header: the texts are the columns of long values, the label is the first
    column with few distinct ones.
    """
    lengths = {name: float(table[name].str.len().mean()) for name in table.columns}
    few = [name for name in table.columns if table[name].nunique() <= min(100, len(table) // 2)]
    long = [name for name in table.columns if name not in few[:1] and table[name].str.contains(" ").mean() > 0.5]
    longest = sorted(sorted(long, key=lambda name: -lengths[name])[:2], key=list(table.columns).index)
    columns = dict(zip(("text", "text2"), longest, strict=False))
    return columns | ({"label": few[0]} if few else {})
