"""What stands in the page's address, so that a link or a reload brings it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.parts.words import plain


def keep(key: str) -> dict[str, Any]:
    """For a widget whose value stands in the address and outlives a look at something else."""
    return {"key": key, "bind": "query-params", "persist_state": "session"}


def choice(label: str, options: Sequence[str], key: str, index: int = 0, *, pinned: bool = False, **more: Any) -> str:
    """A choice that stands in the address; `not_there` tells of an address that names what is not there.

    Args:
        index: of the default.
        pinned: write the default to the address too, because another one may be the default tomorrow.
    """
    asked = st.query_params.get(key)
    if key not in st.session_state and asked and asked not in options:
        _missing()[key] = f'There is no {label.lower()} "{plain(asked)}" here.'
    if pinned and st.session_state.get(key, asked) not in options:
        if key not in st.session_state:
            st.query_params[key] = options[index]  # Streamlit does so from the second time on
        st.session_state[key] = options[index]
    default = None if pinned else index  # what is the default does not stand in the address
    chosen = st.selectbox(label, options, default, on_change=_changed, args=(key,), **keep(key), **more)
    return chosen or options[index]


def not_there() -> None:
    """What the address names that is not there, until something else is chosen in its place."""
    for sentence in _missing().values():
        st.caption(f":material/link_off: {sentence}")


def _missing() -> dict[str, str]:
    """Key -> sentence, of this session."""
    return st.session_state.setdefault("missing", {})


def _changed(key: str) -> None:
    """Another one was chosen: what was missing is settled, and samples of another set are no longer picked."""
    _missing().pop(key, None)
    if key in ("project", "split"):
        for name in ("selected", "sample"):
            st.query_params.pop(name, None)
