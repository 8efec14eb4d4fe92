"""A form that makes selected samples a group of one's own."""

from __future__ import annotations

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.session.index_ranges import Indices
from pages.parts.frame.view import View
from pages.parts.frame.words import plain
from pages.parts.samples.point_at import KEPT_GROUP, group_button


def own_group_form(view: View, rows: Indices, origin: str, suggestion: str = "") -> None:
    """Show a name and a button, or what to select first.

    Args:
        rows: of the chosen split.
        origin: how the samples were found; kept with the group.
        suggestion: a name to start from.
    """
    if message := st.session_state.pop("group_message", ""):
        (st.success if message.startswith("Kept") else st.error)(plain(message))
    group_button(view)
    if not len(rows):
        st.caption("Select samples to keep them as a group of your own; the Groups screen measures it.")
        return
    with st.form("own-group", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", suggestion, max_chars=60, key=f"name-{suggestion}")
        if st.form_submit_button(f"Keep {len(rows):,} as a group", type="primary"):
            st.session_state["group_message"] = _save(view, name, rows, origin)
            st.rerun()


def _save(view: View, name: str, rows: Indices, origin: str) -> str:
    try:
        group = view.diagnosis.project.own_groups.add(name, view.split.samples, rows, origin)
    except InputError as error:
        return str(error)
    st.session_state[KEPT_GROUP] = (view.name, group.name, group.split)
    return f"Kept {len(group.sample_ids)} samples as {group.name}."
