"""What the columns of a table mean: guessed by their names, corrected by a spec, checked."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.base import IMAGE_ENDINGS, check_relative
from neurontune_core.datasets.split_values import choose_split, passed_over
from neurontune_core.errors import InputError
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd

# What datasets call these columns, the likelier name first. Compared without case.
COLUMN_NAMES = {
    "path": ("filename", "img_filename", "file_name", "path", "image_path", "img_path", "image", "image_id", "id"),
    "label": (
        *("y", "label", "labels", "target", "class", "gold_label", "label_name", "class_name", "category"),
        *(
            "label_id",
            "class_id",
            "imagenet_index",
            "dx",
            "shape",
        ),  # the last two: ImageNet samples, texture-shape cues
    ),
    "split": ("split", "set", "partition", "fold"),
    "attribute": (
        *("place", "a", "attribute", "background", "confounder", "spurious", "environment"),
        *("sentence2_has_negation", "starts_with_digit", "texture"),
    ),
    "pair": ("pair", "pair_id", "counterfactual_id"),
    "unit": (
        *("unit", "unit_id", "patient", "patient_id", "patientid", "subject", "subject_id", "case_id", "study_id"),
        *("video", "video_id", "scene_id", "session_id", "person_id", "speaker_id", "object_id", "photograph"),
    ),
    "id": ("id", "pairid", "idx", "index", "guid", "uid"),
}
Corrections = Mapping[str, str | None]  # role -> the column that a person named; None says that there is none
NO_CORRECTIONS: Corrections = {}
FROM_FILE = "(file)"  # stands for a column where the file's name or folder tells the split; no table has this name
TEXT_PAIRS = (
    *(("sentence1", "sentence2"), ("premise", "hypothesis"), ("text", "hypothesis"), ("text", "text2")),
    *(("text1", "text2"), ("text_a", "text_b"), ("question1", "question2"), ("question", "sentence")),
)
TEXTS = ("text", "comment_text", "sentence", "content", "comment", "review", "headline", "title", "tweet", "question")
_LEADS_OUT = r"(?s)^\s*$|\x00|^[/\\]|^.:|(?:^|[/\\])\.\.(?:[/\\]|$)"  # what check_relative refuses, for a whole column


def texts(table: pd.DataFrame, column: str) -> pd.Series:
    """Convert the values of a column to stripped text; a missing value becomes "".

    >>> import pandas as pd
    >>> texts(pd.DataFrame({"place": [" land ", None]}), "place").tolist()
    ['land', '']
    """
    return table[column].astype("str").fillna("").str.strip()


def words(table: pd.DataFrame, column: str) -> pd.Series:
    """Return the texts of a column unchanged.

    Raises:
        InputError: naming the row, when a cell holds no text: a number, a list, or nothing at all.

    >>> import pandas as pd
    >>> words(pd.DataFrame({"text": ["a good one", None]}), "text")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: Row 2 of column "text" holds nothing, not a text ...
    """
    import pandas as pd

    values = table[column]
    if not isinstance(values.dtype, pd.StringDtype) or values.hasnans:
        strange = np.flatnonzero([not isinstance(value, str) for value in values])
        if len(strange):
            cell = values.iat[strange[0]]
            what = "nothing" if values.isna().iat[strange[0]] else f"{type(cell).__name__} {str(cell)[:40]!r}"
            raise InputError(
                f'Row {strange[0] + 1} of column "{column}" holds {what}, not a text '
                f"({len(strange):,} such rows); repair these rows or leave them out."
            )
    return values


def guess_columns(table: pd.DataFrame) -> dict[str, str]:
    """Guess the columns of a table of images from their names.

    Returns:
        Role (path, label, split, attribute) -> column, without the roles that no name suggests.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"img_filename": ["1.jpg"], "y": [0], "weather": ["rain"]})
    >>> guess_columns(table)
    {'path': 'img_filename', 'label': 'y'}
    """
    by_name = _by_name(table)
    guessed = {}
    for role in ("path", "label", "split", "attribute", "pair", "unit"):
        present = [by_name[name] for name in COLUMN_NAMES[role] if name in by_name]
        if role == "path":  # an "id" is only a path when it looks like one
            present = [name for name in present if is_image(str(table[name].iat[0]))]
        if role == "split":  # believed by its values, not its name
            present = list(filter(None, [choose_split(table, present)]))
        if present:
            guessed[role] = present[0]
    return guessed


def guess_text_columns(table: pd.DataFrame) -> dict[str, str]:
    """Guess the columns of a table of texts from their names; without a known name, the text is the column with the
    longest values.

    Returns:
        Role (text, text2, label, split, attribute, id) -> column, without the roles that no name suggests.

    >>> import pandas as pd
    >>> guess_text_columns(pd.DataFrame({"review": ["a good one"], "label": ["good"], "stars": [5]}))
    {'text': 'review', 'label': 'label'}
    """
    by_name = _by_name(table)
    pair = next((pair for pair in TEXT_PAIRS if set(pair) <= set(by_name)), None)
    if pair:
        guessed = {"text": by_name[pair[0]], "text2": by_name[pair[1]]}
    else:
        known = [by_name[name] for name in TEXTS if name in by_name]
        guessed = {"text": known[0]} if known else _longest(table)
    free = {name: column for name, column in by_name.items() if column not in guessed.values()}
    for role in ("label", "split", "attribute", "pair", "unit"):
        present = [free[name] for name in COLUMN_NAMES[role] if name in free]
        if role == "split":
            present = list(filter(None, [choose_split(table, present)]))
        if present:
            guessed[role] = present[0]
    if FROM_FILE in table:
        guessed["split"] = FROM_FILE
    ids = [free[name] for name in COLUMN_NAMES["id"] if name in free and texts(table, free[name]).is_unique]
    return guessed | ({"id": ids[0]} if ids else {})


def split_remarks(table: pd.DataFrame, columns: Corrections) -> tuple[Remark, ...]:
    """Return remarks on columns that are called as splits are and hold none, where no column is read as the split."""
    by_name = _by_name(table)
    if columns.get("split"):
        return ()
    return passed_over(table, [by_name[name] for name in COLUMN_NAMES["split"] if name in by_name])


def corrected(
    guessed: Mapping[str, str], corrections: Corrections, table: pd.DataFrame, roles: Sequence[str]
) -> dict[str, Any] | None:
    """Merge a user's corrections into the guessed columns.

    Returns:
        Role -> column; None when the corrections name a role or a column that this table does not have.

    >>> import pandas as pd
    >>> corrected({"label": "y"}, {"label": "species"}, pd.DataFrame(columns=["y", "species"]), ("label",))
    {'label': 'species'}
    """
    named = [column for column in corrections.values() if column]
    if not set(corrections) <= set(roles) or not set(named) <= {str(column) for column in table.columns}:
        return None
    return {role: column for role, column in guessed.items() if column not in named} | dict(corrections)


def is_image(value: str) -> bool:
    return os.path.splitext(value.strip())[1].lower() in IMAGE_ENDINGS


def chosen_columns(
    table: pd.DataFrame, guessed: Mapping[str, str], spec: Mapping[str, Any], roles: Sequence[str], required: Collection
) -> dict[str, str]:
    """Return the guessed columns with those of ``spec["columns"]`` in their place; a role set to None is left out.

    Args:
        table: the table.
        guessed: role -> column.
        spec: of the dataset.
        roles: the roles that the format knows.
        required: the roles that must have a column.

    Raises:
        InputError: for an unknown role, a column that the table does not have, or a required role without a column.

    >>> import pandas as pd
    >>> table, spec = pd.DataFrame(columns=["file", "y", "place"]), {"columns": {"split": None, "label": "place"}}
    >>> chosen_columns(table, {"path": "file", "label": "y"}, spec, ("path", "label", "split"), ("path",))
    {'path': 'file', 'label': 'place'}
    """
    columns = dict(guessed) | (spec.get("columns") or {})
    unknown = set(columns) - set(roles)
    if unknown:
        raise InputError(f'columns has "{min(unknown)}", which is not one of {", ".join(roles)}.')
    available = list(table.columns)
    for role, name in columns.items():
        if name and name not in available:
            raise InputError(f'The table has no column "{name}" for the {role}; it has {available}.')
    for role in required:
        if not columns.get(role):
            raise InputError(
                f"No column of the table looks like the {role}; name it in columns.{role}, one of {available}."
            )
    return {role: name for role, name in columns.items() if name}


def check_paths(paths: pd.Series) -> None:
    """Check that every value is a relative path without ``..``.

    Raises:
        InputError: naming the first that is not.

    >>> import pandas as pd
    >>> check_paths(pd.Series(["1.jpg", "birds/2.jpg"]))
    """
    refused = np.flatnonzero(paths.str.contains(_LEADS_OUT, regex=True).to_numpy(dtype=bool))
    for row in refused.tolist():
        check_relative(str(paths.iat[row]))


def _by_name(table: pd.DataFrame) -> dict[str, str]:
    return {str(column).lower(): str(column) for column in table.columns}


def _longest(table: pd.DataFrame) -> dict[str, str]:
    import pandas as pd

    head = table.head(200)
    lengths = {
        str(name): head[name].str.len().mean()
        for name in head.columns
        if isinstance(head[name].dtype, pd.StringDtype) and head[name].str.contains(" ").mean() > 0.5
    }
    return {"text": max(lengths, key=lambda name: lengths[name])} if lengths else {}
