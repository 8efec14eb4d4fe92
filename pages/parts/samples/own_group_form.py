"""Selected samples become a group of one's own."""

from __future__ import annotations

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.session.index_ranges import Indices
from pages.parts.frame.state import View
from pages.parts.frame.words import plain


def keep_as_group(view: View, rows: Indices, origin: str, suggestion: str = "") -> None:
    """A name and a button; nothing to do without samples of the split."""
    if said := st.session_state.pop("kept", ""):
        (st.success if said.startswith("Kept") else st.error)(plain(said))
    if not len(rows):
        st.caption("Select samples to keep them as a group of your own, which the Groups screen measures.")
        return
    with st.form("keep", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", suggestion, max_chars=60, key=f"name-{suggestion}")
        if st.form_submit_button(f"Keep {len(rows):,} as a group", type="primary"):
            st.session_state["kept"] = _keep(view, name, rows, origin)
            st.rerun()


def _keep(view: View, name: str, rows: Indices, origin: str) -> str:
    try:
        group = view.diagnosis.project.own_groups.add(name, view.split.samples, rows, origin)
    except InputError as error:
        return str(error)
    return f"Kept {len(group.sample_ids)} samples as {group.name}."
