"""CivilComments as WILDS has it (Koh et al., ICML 2021): ``all_data_with_identities.csv``.

``comment_text``, ``split``, ``toxicity`` and eight identities, each the share of annotators who saw it, present from
0.5 on (269,038 train, 45,180 validation, 133,782 test). Two sets of groups, whose worst-group accuracies must not be
compared: ``group`` is label x any identity (4), `Dataset.overlapping_groups` are identity x label (16).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.datasets.base import Dataset, DatasetGuess, group_names, inside
from neurontune_core.datasets.columns import chosen_columns, texts
from neurontune_core.datasets.labels import split_codes
from neurontune_core.datasets.tables import read_header, read_table
from neurontune_core.datasets.text_table import identities
from neurontune_core.embeddings import OverlappingGroups
from neurontune_core.errors import InputError

CLASSES = ("non-toxic", "toxic")
IDENTITIES = ("male", "female", "LGBTQ", "christian", "muslim", "other_religions", "black", "white")
COLUMNS = {"text": "comment_text", "label": "toxicity", "split": "split"}
PREPROCESSING = {"max_length": 220}
TABLE = "all_data_with_identities.csv"
_PRESENT = 0.5


def open_civilcomments(spec: dict[str, Any], root: Path) -> Dataset:
    """Open CivilComments, with the groups of the paper and the overlapping ones of WILDS.

    Args:
        spec: ``table`` (default: `TABLE`), ``columns`` (``text``, ``label``, ``split``, ``id``).
        root: the folder of the dataset.

    Raises:
        InputError: when a column is missing, or a value is not a share from 0 to 1.
    """
    import pandas as pd

    name = spec.get("table", TABLE)
    path = inside(root, name)
    named_columns = COLUMNS | (spec.get("columns") or {})
    header = read_header(path)
    needed = [column for column in named_columns.values() if column] + [*IDENTITIES, "id"]
    table = read_table(path, columns=needed if set(named_columns.values()) <= {*header, None} else None)
    columns = chosen_columns(table, named_columns, {}, (*COLUMNS, "id"), required=tuple(COLUMNS))
    missing = [identity for identity in IDENTITIES if identity not in table]
    if missing:
        raise InputError(f'The table has no column "{missing[0]}" for an identity; it has {header}.')
    if "id" not in columns and "id" in table and table["id"].is_unique:
        columns["id"] = "id"
    labels = _present(table, columns["label"], empty=False).astype(np.int64)
    identity = np.stack([_present(table, column, empty=True) for column in IDENTITIES], axis=1)
    samples = pd.DataFrame(
        {
            "id": identities(table, columns.get("id")),
            "source": [f"{name}#{row}" for row in range(len(table))],
            "label": labels,
            "split": split_codes(texts(table, columns["split"])),
            "group": labels * 2 + identity.any(axis=1),
            "text": table[columns["text"]],
        }
    )
    names = tuple(f"{column}, {label}" for column in IDENTITIES for label in CLASSES)
    members = (identity[:, :, None] & (labels[:, None, None] == np.arange(2))).reshape(len(table), -1)  # [N, 16]
    return Dataset(
        root,
        samples,
        CLASSES,
        group_names(CLASSES, ("no identity", "identity")),
        modality="text",
        overlapping_groups=OverlappingGroups(names, members),
        preprocessing=PREPROCESSING,
    )


def guess_civilcomments(root: Path) -> DatasetGuess | None:
    if not {*COLUMNS.values(), *IDENTITIES} <= set(read_header(root / TABLE)):
        return None
    rows = len(read_table(root / TABLE, columns=["split"]))
    spec = {"format": "civilcomments", "root": str(root), "table": TABLE, "columns": dict(COLUMNS)}
    groups = "4 coarse groups by any of 8 identities, and 16 overlapping ones by each"
    return DatasetGuess(spec, f"CivilComments: {TABLE} lists {rows:,} comments, toxic from 0.5 on; {groups}.")


def _present(table: Any, column: str, *, empty: bool) -> np.ndarray:
    """Return [N] bool: the share is at least one half; where ``empty`` allows an empty cell, it counts as absent."""
    import pandas as pd

    shares = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64)
    blank = (table[column] == "").to_numpy(dtype=bool) & empty
    wrong = np.flatnonzero(~blank & ~((shares >= 0) & (shares <= 1)))
    if len(wrong):
        raise InputError(
            f'"{table[column].iat[wrong[0]]}" in row {wrong[0] + 1} of column "{column}" is not a share from 0 to 1.'
        )
    return shares >= _PRESENT
