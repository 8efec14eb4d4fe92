"""Settings as dataclasses: every field with its default, a sentence of help, and its range or its choices."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Literal, get_args

import numpy as np

from neurontune_core.errors import InputError

Optimizer = Literal["sgd", "adamw"]  # of ERM training and of NeuronTune


def setting(default: Any, explanation: str, *, choices: Any = None, low: float = 0, high: float = 1e9) -> Any:
    """Declare a field of a settings class.

    Args:
        default: its type is the setting's: a switch, a whole number, a number, or a tuple of these, which is a grid to
            choose from.
        explanation: the help text.
        choices: a ``Literal`` of the allowed words, for a setting that is one of them.
        low, high: the range of a number, ends included.
    """
    metadata = {"help": explanation, "choices": get_args(choices) if choices else None, "range": (low, high)}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Settings of a method: each field is a switch, a number, a grid of numbers, or one of its choices.

    Numbers of NumPy become Python's, and a list becomes a tuple, so that settings compare and can be written as JSON.

    Raises:
        InputError: naming the setting that is of another type, out of range, or no choice.

    >>> @dataclass(frozen=True)
    ... class Example(Settings):
    ...     epochs: int = setting(40, "rounds", low=1)
    >>> Example(epochs=2.5)
    Traceback (most recent call last):
    neurontune_core.errors.InputError: Expected epochs to be a whole number, but got 2.5.
    """

    def __post_init__(self) -> None:
        for declared in fields(self):
            value, choices = getattr(self, declared.name), declared.metadata["choices"]
            if choices:
                if value not in choices:
                    raise InputError(f'Expected {declared.name} to be one of {", ".join(choices)}, but got "{value}".')
            elif declared.metadata["range"] is not None:
                object.__setattr__(
                    self, declared.name, _checked(declared.name, value, declared.default, *declared.metadata["range"])
                )


def _checked(name: str, value: Any, default: Any, low: float, high: float) -> Any:
    """Return the value as the type of the default, or raise InputError."""
    if isinstance(default, tuple):
        if not isinstance(value, (tuple, list)):
            raise InputError(f"Expected {name} to be a grid of values, but got {value!r}; write several in a list.")
        if not value:
            raise InputError(f"Expected at least one value for {name}, but the grid is empty.")
        return tuple(_checked(name, entry, default[0], low, high) for entry in value)
    if isinstance(default, bool):
        if not isinstance(value, (bool, np.bool_)):
            raise InputError(f"Expected {name} to be True or False, but got {value!r}.")
        return bool(value)
    whole = isinstance(default, int)
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number:
        raise InputError(f"Expected {name} to be a {'whole ' if whole else ''}number, but got {value!r}.")
    if not low <= value <= high:
        raise InputError(f"Expected {name} between {low:g} and {high:g}, but got {value!r}.")
    if whole and not isinstance(value, Integral):
        raise InputError(f"Expected {name} to be a whole number, but got {value!r}.")
    return int(value) if whole else float(value)
