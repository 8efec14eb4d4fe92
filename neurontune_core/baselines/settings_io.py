"""Settings as people write them: from text, a form or a file, to a method's settings class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from neurontune_core.baselines.base import Method
from neurontune_core.errors import InputError

_NOT_WRITTEN = ("seed", "early_logits")  # the seeds are given for all methods at once; an array is no text
_SWITCH = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}


def offered(entry: Method) -> list[Field]:
    """The settings of a method that a person may change."""
    return [each for each in fields(entry.settings) if each.name not in (*_NOT_WRITTEN, *entry.fixed)]


def given_settings(entry: Method, given: Mapping[str, Any]) -> Any:
    """The method's settings with some of them changed.

    Args:
        entry: the method.
        given: name -> value, or the value as text; the values of a grid as a list, or as text with commas between.

    Raises:
        InputError: naming the setting that there is none of, or whose value cannot be read or is out of range.
    """
    known = {each.name: each for each in offered(entry)}
    for name in given:
        if name not in known:
            raise InputError(
                f'{entry.name} has no setting "{name}" that can be changed; it has {", ".join(known) or "none"}.'
            )
    return entry.settings(**{name: _value(entry, known[name], value) for name, value in given.items()})


def written(value: Any) -> str:
    """A setting's value as a person would write it."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(written, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def changed(settings: Any) -> dict[str, Any]:
    """The settings that differ from their defaults, but for the seed; JSON-able."""
    found = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name not in _NOT_WRITTEN}
    defaults = {each.name: each.default for each in fields(settings)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
        if value != defaults[name]
    }


def _value(entry: Method, setting: Field, value: Any) -> Any:
    default: Any = setting.default
    try:
        if setting.metadata["choices"]:
            return str(value).strip()
        if isinstance(default, bool):
            return value if isinstance(value, bool) else _SWITCH[str(value).strip().lower()]
        if isinstance(default, tuple):
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(_number(part, default[0]) for part in parts if str(part).strip())
        return _number(value, default)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(
            f'{entry.name}: the setting {setting.name} has the value "{value}"; write it like {written(default)}.'
        ) from None


def _number(value: Any, like: float) -> float:
    number = float(value)
    if isinstance(like, int):
        if number != int(number):
            raise ValueError("not a whole number")
        return int(number)
    return number
