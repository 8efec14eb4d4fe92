"""Labels that are numbers: counted from 0 or from 1, with gaps, or scores that a threshold cuts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurontune_core.errors import InputError, listing
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd

INTEGER = re.compile(r"-?\d{1,15}(\.0*)?")
_FEW_NUMBERS = 20  # where labels stay below, gaps are those of a rating; above, labels are numbers of outputs


def counting(distinct: Sequence[int]) -> str:
    """Return how distinct whole numbers count classes: "from 0", "from 1", "names" (most numbers are left out) or "".

    >>> counting([0, 2, 1]), counting([1, 2, 3]), counting([0, 4]), counting([0, 1, 3])
    ('from 0', 'from 1', 'names', '')
    """
    present, top = set(distinct), max(distinct)
    if min(present) < 0:
        return ""
    if present == set(range(top + 1)):
        return "from 0"
    if len(present) > 1 and present == set(range(1, top + 1)):
        return "from 1"
    return "names" if top < _FEW_NUMBERS and 1 < len(present) <= (top + 1) / 2 else ""


def numbering(distinct: Sequence[str], own_names: Sequence[str]) -> tuple[Remark, ...]:
    """Say how labels that are numbers were counted, where that is not from 0 without a gap."""
    if own_names or not all(map(INTEGER.fullmatch, distinct)):
        return ()
    numbers = sorted({int(value.partition(".")[0]) for value in distinct})
    how = counting(numbers)
    if how == "from 1":
        sentence = f"The labels count from 1: number 1 is the first of {len(numbers)} classes."
        fix = "If they number the model's outputs from 0, name all outputs, the first of which is then empty."
    elif how == "names":
        sentence = (
            f"Of the numbers up to {numbers[-1]} only {len(numbers)} occur as labels ({listing(numbers, 6)}); each is "
            "taken as one class, in this order."
        )
        fix = "If they number the model's outputs, name all outputs."
    else:
        return ()
    return (Remark(sentence, fix=fix, flags="--classes NAME,NAME,...", about="labels"),)


def above(values: pd.Series, column: str, threshold: float) -> tuple[pd.Series, tuple[Remark, ...]]:
    """Return "1" where a score reaches the threshold, else "0", and a remark that counts them.

    Raises:
        InputError: when a value is no number.

    >>> import pandas as pd
    >>> above(pd.Series(["0.2", "0.9"]), "target", 0.5)[0].tolist()
    ['0', '1']
    """
    import pandas as pd

    scores = pd.to_numeric(values, errors="coerce")
    if scores.isna().any():
        raise InputError(
            f'"{values[scores.isna()].iat[0]}" in column "{column}" is no number, so a label threshold does not apply; '
            "leave the threshold out."
        )
    above = scores >= threshold
    remark = Remark(
        f'Samples are of class 1 where column "{column}" is {threshold:g} or more ({int(above.sum()):,} of '
        f"{len(values):,}), else of class 0.",
        about="labels",
    )
    return above.map({True: "1", False: "0"}), (remark,)
