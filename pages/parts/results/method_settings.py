"""The settings of the chosen methods: one form for whatever settings a method has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field

import streamlit as st

from neurontune_core.baselines.base import Method
from neurontune_core.baselines.registry import METHODS
from neurontune_core.baselines.settings_io import changeable_fields, format_value

COLUMNS = 3


def named(key: str) -> str:
    """Return the method's name, with a note where it cannot do without group labels."""
    return METHODS[key].name + (" · uses groups" if METHODS[key].uses_groups else "")


def method_settings(keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """Show the settings of one method at a time, and return the changed ones as text, by method and setting."""
    with st.expander("Settings", icon=":material/tune:"):
        st.caption("The question marks explain each setting. Separate several values by commas.")
        shown = st.selectbox(
            "Settings of",
            [key for key in keys if changeable_fields(METHODS[key])],
            format_func=named,
            key="settings_of",
            persist_state="session",
        )
        method = METHODS[shown]
        st.caption(f"{method.summary} Source: {method.source}.")
        columns = st.columns(COLUMNS)
        for place, setting in enumerate(changeable_fields(method)):
            with columns[place % COLUMNS]:
                _widget(method, setting)
    return {key: changes for key in keys if (changes := _changes(METHODS[key]))}


def _widget(method: Method, setting: Field) -> None:
    key, default = f"set-{method.key}-{setting.name}", format_value(setting.default)
    shared = {"key": key, "help": setting.metadata["help"], "persist_state": "session"}
    choices = setting.metadata["choices"] or (("on", "off") if isinstance(setting.default, bool) else None)
    name = setting.name.replace("_", " ")
    if choices:
        st.selectbox(name, choices, list(choices).index(default), **shared)
    else:
        st.text_input(name, default, **shared)


def _changes(method: Method) -> dict[str, str]:
    settings = changeable_fields(method)
    values = {setting.name: st.session_state.get(f"set-{method.key}-{setting.name}") for setting in settings}
    defaults = {setting.name: format_value(setting.default) for setting in settings}
    return {name: value for name, value in values.items() if value is not None and value != defaults[name]}
