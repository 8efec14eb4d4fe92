"""Settings as text: read from the command line, a form or a file, and written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from neurontune_core.baselines.base import Method
from neurontune_core.errors import InputError

_NOT_WRITTEN = ("seed", "early_logits")  # seeds are set for all methods at once; an array cannot be written as text
_SWITCH = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}


def changeable_fields(entry: Method) -> list[Field]:
    """Return the settings of a method that a user may change."""
    return [field for field in fields(entry.settings) if field.name not in (*_NOT_WRITTEN, *entry.fixed)]


def parse_settings(entry: Method, values: Mapping[str, Any]) -> Any:
    """Return the method's settings with some of them changed.

    Args:
        entry: the method.
        values: name -> value, or the value as text; the values of a grid as a list, or as text separated by commas.

    Raises:
        InputError: when there is no such setting, or its value cannot be read or is out of range; the message names it.

    >>> from neurontune_core.baselines.registry import method
    >>> parse_settings(method("dfr"), {"strengths": "1, 0.5", "refits": "3"})
    DfrSettings(strengths=(1.0, 0.5), refits=3, scale='tuning', seed=0)
    """
    known = {field.name: field for field in changeable_fields(entry)}
    for name in values:
        if name not in known:
            raise InputError(
                f'{entry.name} has no setting "{name}" that can be changed; it has {", ".join(known) or "none"}.'
            )
    return entry.settings(**{name: _value(entry, known[name], value) for name, value in values.items()})


def format_value(value: Any) -> str:
    """Write a setting's value as text that `parse_settings` reads.

    >>> format_value((0.1, 10.0)), format_value(True)
    ('0.1, 10', 'on')
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(map(format_value, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def changed_settings(settings: Any) -> dict[str, Any]:
    """Return the settings that differ from their defaults, except the seed; JSON-able.

    >>> from neurontune_core.tuning.config import TuneConfig
    >>> changed_settings(TuneConfig(threshold=0.5, seed=3))
    {'threshold': 0.5}
    """
    values = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name not in _NOT_WRITTEN}
    defaults = {field.name: field.default for field in fields(settings)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
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
            f'{entry.name}: the setting {setting.name} has the value "{value}"; write it like {format_value(default)}.'
        ) from None


def _number(value: Any, like: float) -> float:
    number = float(value)
    if isinstance(like, int):
        if number != int(number):
            raise ValueError("not a whole number")
        return int(number)
    return number
