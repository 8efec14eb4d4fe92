"""Label values as tables write them: missing words, one class spelled several ways, scores, several labels at once."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from neurontune_core.errors import InputError, listing
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd

# What R, numpy, pandas, spreadsheets and databases write for nothing (pandas' own list, and the question mark of UCI).
MISSING = frozenset(
    (
        *("", "?", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"),
        *("#N/A", "#N/A N/A", "#NA", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"),
    )
)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WHOLE = re.compile(r"[-+]?\d+(\.0*)?")
_SEPARATORS = ("|", ";", ",")


def spelled(name: str) -> str:
    """Return what two spellings of one name share: composed characters, without case and outer or doubled blanks.

    >>> spelled(" Café") == spelled("cafe\u0301")
    True
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def one_spelling(counts: Mapping[str, int], own_names: Iterable[str] = ()) -> tuple[dict[str, str], tuple[Remark, ...]]:
    """Map every spelling of a class to one of them: one of ``own_names``, else the most frequent.

    Args:
        counts: spelling -> samples.
        own_names: names that stay apart, as a person gives them.

    Returns:
        Spelling -> name, and a remark for each class that had several.

    >>> names, remarks = one_spelling({"Dog": 3, "dog": 9, "cat": 5})
    >>> names["Dog"], len(remarks)
    ('dog', 1)
    """
    own = list(own_names)
    families: dict[str, list[str]] = {}
    for name in counts:
        families.setdefault(spelled(name), []).append(name)
    names, remarks = {name: name for name in counts}, []
    for key, family in families.items():
        fixed = [name for name in own if spelled(name) == key]
        if len(fixed) > 1 or (len(family) == 1 and not fixed):
            continue
        chosen = fixed[0] if fixed else max(sorted(family), key=lambda name: (counts[name], name == name.strip()))
        names |= dict.fromkeys(family, chosen)
        if len(family) > 1:
            others = listing([f"{name!a} ({counts[name]:,})" for name in sorted(family)], 4)
            remarks.append(
                Remark(
                    f'One class is spelled in {len(family)} ways: {others}; all are read as "{chosen}".',
                    fix="Name all classes, each spelling as one, to keep them apart.",
                    flags="--classes NAME,NAME,...",
                    about="labels",
                )
            )
    return names, tuple(remarks)


def refuse_missing(values: pd.Series, column: str, words: frozenset[str] = MISSING, where: str = "") -> None:
    """Refuse values that stand for nothing, naming the first row, the words and their number.

    Raises:
        InputError: when there are any.

    >>> import pandas as pd
    >>> refuse_missing(pd.Series(["0", "NA", "NA"]), "y")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: Row 2 has no value in column "y" (2 such rows: "NA"); fill it in ...
    """
    missing = values.isin(words).to_numpy()
    if not missing.any():
        return
    written_words = sorted(set(values[missing]))
    written = (
        ""
        if written_words == [""]
        else f": {listing([repr(word).replace(chr(39), chr(34)) for word in written_words], 4)}"
    )
    total = int(missing.sum())
    counted = f" ({total:,} such row{'s' * (total > 1)}{written})" if total > 1 or written else ""
    raise InputError(
        f'Row {int(values.index[int(missing.argmax())]) + 1}{where} has no value in column "{column}"{counted}; '
        "fill it in or leave the row out."
    )


def refuse_scores(distinct: Sequence[str], column: str) -> None:
    """Refuse numbers with fractions: scores or soft labels, which would be one class each.

    Raises:
        InputError: when all values are numbers and one has a fraction.

    >>> refuse_scores(["0", "1.0"], "y")
    >>> refuse_scores(["0.0", "0.93", "0.5"], "target")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: Column "target" holds scores, not classes: 3 different numbers ...
    """
    if not all(map(_NUMBER.fullmatch, distinct)) or all(map(_WHOLE.fullmatch, distinct)):
        return
    numbers = [float(value) for value in distinct]
    raise InputError(
        f'Column "{column}" holds scores, not classes: {len(distinct):,} different numbers from {min(numbers):g} to '
        f"{max(numbers):g}; give the score from which on a sample is of class 1 (--label-threshold 0.5), or name "
        "another column."
    )


def refuse_several(distinct: Sequence[str], column: str) -> None:
    """Refuse cells that name several classes, such as ``cat|dog`` or ``[0, 1]``.

    Raises:
        InputError: naming the first such cell.

    >>> refuse_several(["Smith, John", "Miller, Ann"], "author")
    >>> refuse_several(["cat", "cat|dog", "dog"], "animal")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: Column "animal" names several classes in one cell, such as "cat|dog"; ...
    """
    lists = [value for value in distinct if value[:1] in "[({" and value[-1:] in "])}" and len(value) > 1]
    cells = lists if len(lists) == len(distinct) else []
    for separator in _SEPARATORS:
        together = [value for value in distinct if separator in value]
        alone = Counter(value for value in distinct if separator not in value)
        parts = [[part.strip() for part in value.split(separator)] for value in together]
        shared = Counter(part for row in parts for part in set(row)) + alone
        cells = cells or [
            value
            for value, row in zip(together, parts, strict=True)
            if all(row) and all(alone[part] or (separator != "," and shared[part] > 1) for part in row)
        ]
    if cells:
        raise InputError(
            f'Column "{column}" names several classes in one cell, such as "{cells[0]}"; a sample has one class here, '
            "so name a column with one, or make a table with one of them."
        )
