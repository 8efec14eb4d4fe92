"""What stands in the page's address, so that a link or a reload brings it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.parts.words import plain


def keep(key: str) -> dict[str, Any]:
    """For a widget whose value stands in the address and outlives a look at something else."""
    return {"key": key, "bind": "query-params", "persist_state": "session"}


def choice(label: str, options: Sequence[str], key: str, index: int = 0, **more: Any) -> str:
    """A choice that stands in the address; when an address names what is not there, a sentence says so."""
    missing = st.session_state.setdefault("missing", {})
    asked = st.query_params.get(key)
    if key not in st.session_state and asked and asked not in options:
        missing[key] = asked
    chosen = st.selectbox(label, options, index, on_change=_changed, args=(key,), **keep(key), **more)
    if key in missing:
        st.caption(f'There is no {label.lower()} "{plain(missing[key])}" here; you see "{plain(chosen)}".')
    return chosen


def _changed(key: str) -> None:
    """Another one was chosen: what was missing is settled, and samples of another set are no longer picked."""
    st.session_state["missing"].pop(key, None)
    if key in ("project", "split"):
        for name in ("selected", "sample"):
            st.query_params.pop(name, None)
