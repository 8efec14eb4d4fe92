"""Settings as dataclasses: every field with its default, a sentence of help, and its range or its choices."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, get_args

from neurontune_core.errors import InputError


def setting(default: Any, explanation: str, *, choices: Any = None, low: float = 0, high: float = 1e9) -> Any:
    """A field of a settings class; a tuple of numbers is a grid to choose from."""
    metadata = {"help": explanation, "choices": get_args(choices) if choices else None, "range": (low, high)}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Settings of a method: each field is a number, a grid of numbers, or one of its choices.

    Raises:
        InputError: naming the setting that is out of range.
    """

    def __post_init__(self) -> None:
        for each in fields(self):
            value, choices = getattr(self, each.name), each.metadata["choices"]
            if choices:
                if value not in choices:
                    raise InputError(f'Expected {each.name} to be one of {", ".join(choices)}, but got "{value}".')
            elif each.metadata["range"] is not None:
                _check_numbers(each.name, value, *each.metadata["range"])


def _check_numbers(name: str, value: Any, low: float, high: float) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    if not numbers:
        raise InputError(f"Expected at least one value for {name}, but the grid is empty.")
    for number in numbers:
        if not isinstance(number, (int, float)) or not low <= number <= high:
            raise InputError(f"Expected {name} between {low:g} and {high:g}, but got {number!r}.")
