"""The values of a column as labels, splits and groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurontune_core.datasets.base import group_names, split_name
from neurontune_core.datasets.columns import texts
from neurontune_core.datasets.numbered import INTEGER, above, counting, numbering
from neurontune_core.datasets.spellings import MISSING, one_spelling, refuse_missing, refuse_scores, refuse_several
from neurontune_core.errors import InputError, listing
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd

_NOTHING = frozenset(("", "nan", "None", "<NA>"))  # cells of other columns than labels that hold nothing
_MAX_CLASSES = 20_000  # integer labels beyond this are ids, not classes


class Labeled(NamedTuple):
    """Samples with labels, and what reading them took for granted."""

    samples: pd.DataFrame
    class_names: tuple[str, ...]
    group_names: tuple[str, ...]
    remarks: tuple[Remark, ...]


def codes(
    values: pd.Series,
    names: Sequence[str] | None,
    column: str,
    prefix: str,
    missing: frozenset[str] = MISSING,
    *,
    relative: bool = True,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Convert text values to [N] int64 indices 0..n-1, with n names.

    Whole numbers from 0 are indices already (-1 and 1, as CelebA writes, are 0 and 1; with ``relative``, numbers 1..n
    without a 0 count from 1, and few numbers with gaps are one class each, see `counting`); anything else is a name.
    Names come from ``names``, else they are the sorted values, or "<prefix> 0", ... for indices.

    Raises:
        InputError: for a value that is missing, out of range, or not among ``names``.

    >>> import pandas as pd
    >>> indices, names = codes(pd.Series(["dog", "cat", "dog"]), None, "species", "class")
    >>> indices.tolist(), names
    ([1, 0, 1], ('cat', 'dog'))
    >>> codes(pd.Series(["-1", "1"]), None, "Male", "Male")[1]
    ('Male 0', 'Male 1')
    >>> codes(pd.Series(["3", "1", "2"]), None, "y", "class")[1]
    ('class 1', 'class 2', 'class 3')
    """
    import pandas as pd

    known = None if names is None else [str(name) for name in names]
    refuse_missing(values, column, missing - set(known or ()))
    inverse, uniques = pd.factorize(values)
    distinct = [str(value) for value in uniques]

    def first_row(wrong: Collection[str]) -> int:
        return int(np.isin(inverse, [index for index, value in enumerate(distinct) if value in wrong]).argmax())

    numbers = all(map(INTEGER.fullmatch, distinct))
    if numbers and (known is None or not set(distinct) <= set(known)):
        indices = np.array([int(value.partition(".")[0]) for value in distinct], dtype=np.int64)[inverse]
        return _integer_codes(indices, known, column, prefix, relative)
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
) -> Labeled:
    """Add ``label``, ``split``, and where there are such columns ``group``, ``pair`` and ``unit`` to ``samples``.

    Rows whose split the spec maps to None, and splits without any label, are left out and counted.

    Args:
        samples: one row per sample, in the order of ``table``.
        table: the table as read.
        columns: role -> column; ``label`` is required.
        spec: ``class_names``, ``attribute_names``, ``splits`` and ``label_threshold``.

    Raises:
        InputError: as `codes` and `split_codes` do; for scores or several labels in a cell.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"y": ["cat", "dog"], "place": ["in", "out"]})
    >>> columns = {"label": "y", "attribute": "place"}
    >>> labeled = label_samples(pd.DataFrame({"id": ["a", "b"]}), table, columns, {})
    >>> labeled.samples["group"].tolist(), labeled.group_names[3]
    ([0, 3], 'dog, out')
    """
    remarks: list[Remark] = []

    def keep(rows: np.ndarray) -> None:
        nonlocal samples, table
        samples, table = samples[rows], table[rows]  # the index stays that of the table, for messages

    if "split" in columns:
        names = texts(table, columns["split"])
        samples["split"] = split_codes(names, spec.get("splits"))
        kept = samples["split"].notna().to_numpy()
        remarks += _left_out(names[~kept], columns["split"])
        keep(kept)
        if samples.empty:
            raise InputError(
                f'The splits of the spec leave no row of the table: column "{columns["split"]}" holds '
                f"{listing(sorted(set(names)), 6)}; map at least one to train, val, test."
            )
    elif "split" not in samples:
        samples["split"] = ""
    label, own_names = columns["label"], [str(name) for name in spec.get("class_names") or ()]
    unlabeled = texts(table, label).isin(MISSING - set(own_names))
    labeled = ~(unlabeled | (texts(table, label) == "-1")).groupby(samples["split"]).transform("all").to_numpy()
    if labeled.any() and not labeled.all():
        remarks += [
            Remark(f'Split "{split}" has no labels, so its {count:,} samples are left out.')
            for split, count in samples["split"][~labeled].value_counts().items()
        ]
        keep(labeled)
    values, assumed = _label_values(samples, texts(table, label), label, own_names, spec.get("label_threshold"))
    remarks += assumed
    indices, class_names = codes(values, spec.get("class_names"), label, "class")
    samples = samples.assign(label=indices)
    groups: tuple[str, ...] = ()
    if "attribute" in columns:
        name = columns["attribute"]
        attributes, attribute_names = codes(texts(table, name), spec.get("attribute_names"), name, name, _NOTHING)
        samples["group"] = samples["label"] * len(attribute_names) + attributes
        groups = group_names(class_names, attribute_names)
    for role in ("pair", "unit"):
        if role in columns:
            import pandas as pd

            named = [None if name in _NOTHING else name for name in texts(table, columns[role])]
            # by itself pandas would turn None into NaN
            samples[role] = pd.Series(named, dtype=object, index=samples.index)
    order = ("id", "source", "label", "split", "group", "pair", "unit", "text", "text2")
    samples = samples[[name for name in order if name in samples]]
    return Labeled(samples.reset_index(drop=True), class_names, groups, tuple(remarks))


def _label_values(
    samples: pd.DataFrame, values: pd.Series, column: str, own_names: Sequence[str], threshold: float | None
) -> tuple[pd.Series, tuple[Remark, ...]]:
    """Return the labels in one spelling each, with scores cut at a threshold, and what was assumed."""
    first = int((values.isin(MISSING - set(own_names))).to_numpy().argmax())
    file = str(samples["source"].iat[first]).rpartition("#")[0] if "source" in samples else ""
    refuse_missing(values, column, MISSING - set(own_names), f" of {file}" if file else "")
    if threshold is not None:
        return above(values, column, threshold)
    counts = {str(name): int(count) for name, count in values.value_counts().items()}
    if not own_names:
        refuse_scores(list(counts), column)
        refuse_several(list(counts), column)
    spellings, remarks = one_spelling(counts, own_names)
    return values.map(spellings), (*remarks, *numbering(list(counts), own_names))


def _left_out(names: pd.Series, column: str) -> list[Remark]:
    """Count the rows whose split is left out; those without a name, or with a number, are doubtful."""
    if names.empty:
        return []
    counts = {str(name): int(count) for name, count in names.value_counts().items()}
    shown = listing([f"{name or '(blank)'} ({count:,})" for name, count in counts.items()], 6)
    doubtful = any(name in MISSING or name.replace(".", "").isdigit() for name in counts)
    return [
        Remark(
            f'{len(names):,} rows are left out, as column "{column}" calls them {shown}, which is none of train, val '
            "and test.",
            "warning" if doubtful else "note",
            "Say that this column holds no split, or rename these." if doubtful else "",
            "--column split=" if doubtful else "",
        )
    ]


def _split(value: str, aliases: Mapping[str, str | None]) -> str | None:
    if value in aliases:
        meant = aliases[value]
        return None if meant is None else split_name(meant)
    return split_name(value)


def _integer_codes(
    indices: np.ndarray, names: Sequence[str] | None, column: str, prefix: str, relative: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    present = np.unique(indices).tolist()
    if set(present) == {-1, 1}:
        indices, present = (indices + 1) // 2, [0, 1]
    how = counting(present)
    if names is None and how in ("from 1", "names") and relative:
        return np.searchsorted(present, indices), tuple(f"{prefix} {number}" for number in present)
    if names is not None and present[0] >= 1 and present[-1] == len(names):  # they count from 1
        return indices - 1, tuple(names)
    limit = len(names) if names is not None else _MAX_CLASSES
    outside = (indices < 0) | (indices >= limit)
    if outside.any():
        row = int(outside.argmax())
        allowed = f"0..{limit - 1}" + (f" for the names {list(names)[:8]}" if names is not None else "")
        raise InputError(f'{indices[row]} in row {row + 1} of column "{column}" is not a number of {allowed}.')
    if names is None:
        names = [f"{prefix} {index}" for index in range(int(indices.max()) + 1)]
    return indices, tuple(names)
