"""The values of a column as labels, splits and groups."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.base import group_names, split_name
from neurontune_core.datasets.columns import texts
from neurontune_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_MISSING = frozenset(("", "nan", "None", "<NA>"))
_MAX_CLASSES = 20_000  # integer labels beyond this are ids, not classes


def codes(
    values: pd.Series, names: Sequence[str] | None, column: str, prefix: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Convert text values to [N] int64 indices 0..n-1, with n names.

    Whole numbers from 0 are indices already (-1 and 1, as CelebA writes, are 0 and 1); anything else is a name. Names
    come from ``names``, else they are the sorted values, or "<prefix> 0", ... for indices.

    Raises:
        InputError: for a value that is missing, out of range, or not among ``names``.

    >>> import pandas as pd
    >>> indices, names = codes(pd.Series(["dog", "cat", "dog"]), None, "species", "class")
    >>> indices.tolist(), names
    ([1, 0, 1], ('cat', 'dog'))
    >>> codes(pd.Series(["-1", "1"]), None, "Male", "Male")[1]
    ('Male 0', 'Male 1')
    """
    import pandas as pd

    inverse, uniques = pd.factorize(values)
    distinct = [str(value) for value in uniques]

    def first_row(wrong: Collection[str]) -> int:
        return int(np.isin(inverse, [index for index, value in enumerate(distinct) if value in wrong]).argmax())

    if not _MISSING.isdisjoint(distinct):
        row = first_row(_MISSING) + 1
        raise InputError(f'Row {row} has no value in column "{column}"; fill it in or leave the row out.')
    known = None if names is None else [str(name) for name in names]
    numbers = all(re.fullmatch(r"-?\d{1,15}(\.0+)?", value) for value in distinct)
    if numbers and (known is None or not set(distinct) <= set(known)):
        indices = np.array([int(value.partition(".")[0]) for value in distinct], dtype=np.int64)[inverse]
        return _integer_codes(indices, known, column, prefix)
    if known is None:
        known = sorted(distinct)
        if len(known) > _MAX_CLASSES:
            raise InputError(
                f'Column "{column}" has {len(known):,} different values, too many for classes; name another column.'
            )
    index_of = {name: index for index, name in enumerate(known)}
    unknown = set(distinct) - set(known)
    if unknown:
        row = first_row(unknown)
        raise InputError(f'"{values.iat[row]}" in row {row + 1} of column "{column}" is not one of {known[:8]}.')
    return np.array([index_of[value] for value in distinct], dtype=np.int64)[inverse], tuple(known)


def split_codes(values: pd.Series, aliases: Mapping[str, str | None] | None = None) -> np.ndarray:
    """Normalize the split names of a column.

    Args:
        values: [N] the column.
        aliases: what a table's own split names mean, such as ``{"id_val": "val", "mixed_rand": None}``.

    Returns:
        [N] objects "train", "val" or "test", or None for a row that ``aliases`` leave out.

    Raises:
        InputError: for a value that is neither in ``aliases`` nor a known name.

    >>> import pandas as pd
    >>> split_codes(pd.Series(["train", "id_val", "ood"]), {"id_val": "val", "ood": None}).tolist()
    ['train', 'val', None]
    """
    import pandas as pd

    meant = {str(name): value for name, value in (aliases or {}).items()}
    inverse, uniques = pd.factorize(values)
    names = [_split(str(value), meant) for value in uniques]
    return np.array([*names, None], dtype=object)[inverse]


def strange_splits(values: pd.Series) -> dict[str, None]:
    """Collect the split names of a column that are unknown, each with None, as ``spec["splits"]`` takes them.

    >>> import pandas as pd
    >>> strange_splits(pd.Series(["train", "ood", "ood"]))
    {'ood': None}
    """
    strange: dict[str, None] = {}
    for value in values.unique():
        try:
            split_name(str(value))
        except InputError:
            strange[str(value)] = None
    return strange


def label_samples(
    samples: pd.DataFrame, table: pd.DataFrame, columns: Mapping[str, str], spec: Mapping[str, Any]
) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """Add ``label``, ``split``, with an attribute ``group`` and with a column of pairs ``pair`` to ``samples``.

    Rows whose split the spec maps to None are left out.

    Args:
        samples: one row per sample, in the order of ``table``.
        table: the table as read.
        columns: role -> column; ``label`` is required.
        spec: ``class_names``, ``attribute_names`` and ``splits``.

    Returns:
        The samples, the class names and the group names.

    Raises:
        InputError: as `codes` and `split_codes` do.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"y": ["cat", "dog"], "place": ["in", "out"]})
    >>> columns = {"label": "y", "attribute": "place"}
    >>> samples, classes, groups = label_samples(pd.DataFrame({"id": ["a", "b"]}), table, columns, {})
    >>> samples["group"].tolist(), groups[3]
    ([0, 3], 'dog, out')
    """
    if "split" in columns:
        samples["split"] = split_codes(texts(table, columns["split"]), spec.get("splits"))
        kept = samples["split"].notna().to_numpy()
        samples, table = samples[kept].reset_index(drop=True), table[kept].reset_index(drop=True)
        if samples.empty:
            raise InputError("The splits of the spec leave no row of the table; map at least one to train, val, test.")
    elif "split" not in samples:
        samples["split"] = ""
    label = columns["label"]
    samples["label"], class_names = codes(texts(table, label), spec.get("class_names"), label, "class")
    groups: tuple[str, ...] = ()
    if "attribute" in columns:
        name = columns["attribute"]
        attributes, attribute_names = codes(texts(table, name), spec.get("attribute_names"), name, name)
        samples["group"] = samples["label"] * len(attribute_names) + attributes
        groups = group_names(class_names, attribute_names)
    if "pair" in columns:
        import pandas as pd

        named = [None if name in _MISSING else name for name in texts(table, columns["pair"])]
        samples["pair"] = pd.Series(named, dtype=object)  # by itself pandas would turn None into NaN
    order = [name for name in ("id", "source", "label", "split", "group", "pair", "text", "text2") if name in samples]
    return samples[order], class_names, groups


def _split(value: str, aliases: Mapping[str, str | None]) -> str | None:
    if value in aliases:
        meant = aliases[value]
        return None if meant is None else split_name(meant)
    return split_name(value)


def _integer_codes(
    indices: np.ndarray, names: Sequence[str] | None, column: str, prefix: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    if set(np.unique(indices).tolist()) == {-1, 1}:
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
