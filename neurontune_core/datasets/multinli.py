"""MultiNLI (Williams et al., 2018) with the splits and groups of Sagawa et al. (ICLR 2020), as pairs of sentences.

``metadata_random.csv`` (``gold_label`` 0 contradiction, 1 entailment, 2 neutral; ``sentence2_has_negation``; ``split``)
lists 206,175 train, 82,462 validation and 123,712 test pairs, but no sentence. Those are in
``multinli_1.0_{train,dev_matched,dev_mismatched}`` as ``.jsonl`` or ``.txt``, or in GLUE's ``{train,dev_matched,
dev_mismatched}.tsv``, in this folder or in its ``data/``, ``multinli_1.0/`` or ``glue_data/MNLI/``.

The field joins by row: the table was written from the three files one after the other, and its unnamed first column is
the row in them, counted before the pairs without a gold label ("-") are dropped; the k-th row of the table is the k-th
pair that is left, which is how GLUE's files, where they are dropped already, are joined. A table with a column
``pairID`` is joined by that. Either way the gold labels of table and sentences must agree in every row. The field's
pickled feature caches are never read.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.base import Dataset, DatasetGuess, inside
from neurontune_core.datasets.columns import chosen_columns, texts
from neurontune_core.datasets.tables import read_header, read_table
from neurontune_core.datasets.text_table import from_texts
from neurontune_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("contradiction", "entailment", "neutral")
COLUMNS = {"label": "gold_label", "split": "split", "attribute": "sentence2_has_negation"}
NEGATION_WORDS = ("nobody", "no", "never", "nothing")
PREPROCESSING = {"max_length": 128}
TABLE = "metadata_random.csv"
_PARTS = ("train", "dev_matched", "dev_mismatched")
_PLACES = ("", "data/", "multinli_1.0/", "data/multinli_1.0/", "glue_data/MNLI/", "MNLI/")
_FILES = ("multinli_1.0_{}.jsonl", "multinli_1.0_{}.txt", "{}.tsv")
_READ = ("gold_label", "pairID", "sentence1", "sentence2")


def open_multinli(spec: dict[str, Any], root: Path) -> Dataset:
    """Open MultiNLI.

    Where the table has no ``sentence2_has_negation``, it is computed by `has_negation`.

    Args:
        spec: ``table`` (default: `TABLE`, in root or one of its usual folders), ``columns`` (``label``, ``split``,
            ``attribute``).
        root: the folder of the dataset.

    Raises:
        InputError: when a file is missing, or table and sentences do not belong together.
    """
    name = spec.get("table") or next(
        (f"{place}{TABLE}" for place in _PLACES if (root / place / TABLE).is_file()), TABLE
    )
    table = read_table(inside(root, name))
    guessed = {role: column for role, column in COLUMNS.items() if role != "attribute" or column in table}
    columns = chosen_columns(table, guessed, spec, tuple(COLUMNS), required=("label",))
    sentences, sources = _sentences(root)
    rows = _rows_of(table, sentences, columns["label"], name)
    joined = table.assign(sentence1=sentences["sentence1"].iloc[rows].to_numpy(dtype=object))
    joined["sentence2"] = sentences["sentence2"].iloc[rows].to_numpy(dtype=object)
    joined["pairID"] = sentences["pairID"].iloc[rows].to_numpy(dtype=object)
    if "attribute" not in columns:
        joined["sentence2_has_negation"] = has_negation(joined["sentence2"]).astype(int)
    roles = COLUMNS | columns | {"text": "sentence1", "text2": "sentence2"}
    if joined["pairID"].is_unique:
        roles["id"] = "pairID"
    named = {"class_names": CLASSES, "attribute_names": ("no negation", "negation")} | spec | {"columns": roles}
    return replace(
        from_texts(named, root, joined, sources.iloc[rows].reset_index(drop=True)), preprocessing=PREPROCESSING
    )


def guess_multinli(root: Path) -> DatasetGuess | None:
    place = next(
        (place for place in _PLACES if {"gold_label", "split"} <= set(read_header(root / place / TABLE))), None
    )
    if place is None:
        return None
    rows = len(read_table(root / place / TABLE, columns=["gold_label"]))
    columns = {role: name for role, name in COLUMNS.items() if name in read_header(root / place / TABLE)}
    spec = {"format": "multinli", "root": str(root), "table": f"{place}{TABLE}", "columns": columns}
    groups = "negation in the second sentence is the attribute"
    return DatasetGuess(spec, f"MultiNLI: {TABLE} lists {rows:,} pairs of sentences of three classes; {groups}.")


def has_negation(sentences: pd.Series) -> pd.Series:
    """Mark the sentences that contain a negation word of Gururangan et al. (2018) as a whole token, punctuation aside.

    Args:
        sentences: [N] text.

    Returns:
        [N] bool.

    >>> import pandas as pd
    >>> has_negation(pd.Series(["No, never!", "Nobody's here", "It is known."])).tolist()
    [True, False, False]
    """
    bare = sentences.astype("str").str.replace(f"[{re.escape(string.punctuation)}]", "", regex=True).str.lower()
    return bare.str.contains(rf"(?:^| )(?:{'|'.join(NEGATION_WORDS)})(?: |$)", regex=True)


def _sentences(root: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Read the sentence files one after the other, including pairs without a gold label.

    Returns:
        The rows, and the source "<file>#<row>" of each.
    """
    import pandas as pd

    for pattern in _FILES:
        for place in _PLACES:
            files = [f"{place}{pattern.format(part)}" for part in _PARTS]
            present = [file for file in files if (root / file).is_file()]
            if len(present) == len(files):
                parts = [_read_sentences(inside(root, file)) for file in files]
                sources = [f"{file}#{row}" for file, part in zip(files, parts, strict=True) for row in range(len(part))]
                return pd.concat(parts, ignore_index=True), pd.Series(sources)
            if present:
                missing = next(file for file in files if file not in present)
                raise InputError(
                    f"{root} holds {present[0]} but not {missing}; the pairs are joined by row, "
                    "so all three are needed."
                )
    raise InputError(
        f"{root} holds {TABLE} but not the sentences; put multinli_1.0_train.jsonl, multinli_1.0_dev_matched.jsonl and "
        "multinli_1.0_dev_mismatched.jsonl (or their .txt files, or GLUE's .tsv files) beside it."
    )


def _read_sentences(path: Path) -> pd.DataFrame:
    table = read_table(path, columns=_READ, quoted=False)
    missing = [name for name in _READ if name not in table]
    if missing:
        raise InputError(f'{path} has no field "{missing[0]}"; it is not a file of MultiNLI sentences.')
    return table[list(_READ)]


def _rows_of(table: pd.DataFrame, sentences: pd.DataFrame, label: str, name: str) -> np.ndarray:
    """Return [N]: the row of ``sentences`` for each row of the table."""
    table_labels = texts(table, label).replace({str(index): class_name for index, class_name in enumerate(CLASSES)})
    gold = sentences["gold_label"].to_numpy(dtype=object)
    candidates = [rows for rows in _joins(table, sentences) if len(rows) == len(table) and (rows >= 0).all()]
    if not candidates:
        raise InputError(
            f"{name} lists {len(table):,} pairs, but the sentence files hold {(gold != '-').sum():,} with a gold "
            "label, and nothing says which belongs to which; give the table that was made from them."
        )
    wrong = [np.flatnonzero(table_labels.to_numpy(dtype=object) != gold[rows]) for rows in candidates]
    for rows, other in zip(candidates, wrong, strict=True):
        if not len(other):
            return rows
    first = wrong[0][0]
    raise InputError(
        f'Row {first + 1} of {name} says "{table_labels.iat[first]}", but the pair in that place is '
        f'"{gold[candidates[0][first]]}" ({len(wrong[0]):,} such rows); table and sentences do not belong together.'
    )


def _joins(table: pd.DataFrame, sentences: pd.DataFrame) -> Iterator[np.ndarray]:
    """Yield the ways to join that the columns allow, the most reliable first; -1 marks a row without a match."""
    import pandas as pd

    if "pairID" in table:
        if sentences["pairID"].is_unique:
            yield pd.Index(sentences["pairID"]).get_indexer(pd.Index(texts(table, "pairID")))
        return
    first = str(table.columns[0])
    if first.startswith("Unnamed") or first == "":
        numbers = pd.to_numeric(table[first], errors="coerce").fillna(-1).to_numpy(dtype=np.int64)
        yield np.where(numbers < len(sentences), numbers, -1)
    yield np.flatnonzero((sentences["gold_label"] != "-").to_numpy())
