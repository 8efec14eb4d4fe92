"""The one error that carries a sentence for the user, and how a list is worded in one."""

from __future__ import annotations

from collections.abc import Sequence


class InputError(ValueError):
    """Something that the user gave is wrong.

    The message is shown as it is, on the screen and on the command line: one sentence that says what is wrong,
    where, and how to fix it.
    """


def listing(values: Sequence[object], limit: int = 5) -> str:
    """Return the first values of a sequence for a sentence, and how many more there are.

    >>> listing([3, 5, 8, 13, 21, 34, 55], limit=3)
    '3, 5, 8 and 4 more'
    """
    shown = ", ".join(str(value) for value in values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit} more"
