"""Whether a column holds splits, told by its values: a name like "fold" may also number a cross-validation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from neurontune_core.datasets.base import is_split
from neurontune_core.errors import listing
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"\d+(\.0*)?")
_NUMBERED = ("0", "1", "2")
_FOLDS = ("fold", "folds", "kfold")  # columns whose numbers are those of a cross-validation


def hold_splits(column: str, values: Iterable[str]) -> bool:
    """Return whether the values of a column called ``column`` are those of a split.

    Words such as train and dev are; 0, 1 and 2 are, but not in a column of folds; anything else is not.

    >>> hold_splits("split", ["0", "1", "2"]), hold_splits("fold", ["0", "1", "2"]), hold_splits("fold", ["train"])
    (True, False, True)
    >>> hold_splits("split", ["0", "1", "2", "3", "4"])
    False
    """
    words = {value.strip() for value in values} - {"", "nan", "None", "<NA>"}
    if words and all(map(_NUMBER.fullmatch, words)):
        return column.lower() not in _FOLDS and {int(float(word)) for word in words} <= {0, 1, 2}
    return any(is_split(word) or word in _NUMBERED for word in words)


def choose_split(table: pd.DataFrame, candidates: Sequence[str]) -> str | None:
    """Return the first of the candidate columns whose values are splits; None without one."""
    return next((name for name in candidates if hold_splits(name, _distinct(table, name))), None)


def passed_over(table: pd.DataFrame, candidates: Sequence[str]) -> tuple[Remark, ...]:
    """Return a remark on each candidate column that looks like a split by its name and is none by its values."""
    strange = [name for name in candidates if not hold_splits(name, _distinct(table, name))]
    return tuple(
        Remark(
            f'Column "{name}" is not read as the split: it holds {listing(sorted(_distinct(table, name)), 6)}, not '
            "train, val and test.",
            "warning",
            "Name it all the same, or a column with train, val and test (or 0, 1 and 2).",
            f"--column split={name}",
        )
        for name in strange
    )


def _distinct(table: pd.DataFrame, column: str) -> list[str]:
    return [str(value) for value in table[column].astype("str").fillna("").unique()]
