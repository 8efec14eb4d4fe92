"""The settings of the chosen methods: one form for whatever a method has."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from neurontune_core.baselines.base import Method
from neurontune_core.baselines.registry import METHODS
from neurontune_core.baselines.settings_io import offered, written

COLUMNS = 3


def named(key: str) -> str:
    """The method's name; one that cannot do without group labels says so."""
    return METHODS[key].name + (" · uses groups" if METHODS[key].uses_groups else "")


def method_settings(keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """What a person changed, as text by method and setting; the defaults are left out."""
    with st.expander("Settings", icon=":material/tune:"):
        st.caption("What each setting does stands behind its question mark. Several values: put commas between.")
        shown = st.selectbox(
            "Settings of",
            [key for key in keys if offered(METHODS[key])],
            format_func=named,
            key="settings_of",
            persist_state="session",
        )
        entry = METHODS[shown]
        st.caption(f"{entry.summary} Source: {entry.source}.")
        columns = st.columns(COLUMNS)
        for place, setting in enumerate(offered(entry)):
            with columns[place % COLUMNS]:
                _widget(entry, setting)
    return {key: changes for key in keys if (changes := _changes(METHODS[key]))}


def _widget(entry: Method, setting) -> None:
    key, default = f"set-{entry.key}-{setting.name}", written(setting.default)
    shared = {"key": key, "help": setting.metadata["help"], "persist_state": "session"}
    choices = setting.metadata["choices"] or (("on", "off") if isinstance(setting.default, bool) else None)
    name = setting.name.replace("_", " ")
    if choices:
        st.selectbox(name, choices, list(choices).index(default), **shared)
    else:
        st.text_input(name, default, **shared)


def _changes(entry: Method) -> dict[str, str]:
    found = {each.name: st.session_state.get(f"set-{entry.key}-{each.name}") for each in offered(entry)}
    defaults = {each.name: written(each.default) for each in offered(entry)}
    return {name: value for name, value in found.items() if value is not None and value != defaults[name]}
