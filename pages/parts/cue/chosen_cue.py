"""Which of the project's cues is shown: a row of names, renamed and deleted beside them, undone like any other edit."""

from __future__ import annotations

import re

import streamlit as st

from neurontune_core.cues.cue import Cue
from neurontune_core.errors import InputError
from neurontune_core.session.cue_work import rename_cue
from pages.parts.frame.mask_edits import SHOW_CUE
from pages.parts.frame.url_state import UrlChoice
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

PROBLEM = "rename_problem"
NEW = ""  # no cue is shown, but the form of a new one
CUE = UrlChoice("cue", str, str)


def choose_cue(view: View) -> Cue | None:
    """Show the names of the project's cues, and return the chosen one; None for a new one."""
    cues = {cue.name: cue for cue in view.diagnosis.cues()}
    state = st.session_state
    if (made := state.pop(SHOW_CUE, None)) is not None:
        state[CUE.key] = made
    if state.get(CUE.key) not in (*cues, NEW) or CUE.key not in state:
        state[CUE.key] = next(iter(cues), NEW)
    if not cues:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.segmented_control(
            "Cue", [*cues, NEW], format_func=lambda name: plain(name) or ":material/add: New cue", required=True,
            label_visibility="collapsed", wrap=True, **CUE.widget,
        )  # fmt: skip
        if chosen in cues:
            with st.popover("Rename", icon=":material/edit:", type="tertiary"):
                st.text_input(
                    "New name", chosen, max_chars=60, key=f"rename-{chosen}", on_change=_rename, args=(view, chosen),
                )  # fmt: skip
            st.button(
                "Delete", key="delete-cue", icon=":material/delete:", type="tertiary", on_click=_delete,
                args=(view, chosen), help="Delete this cue; undo (Z) brings it back with its measurement.",
            )  # fmt: skip
    if problem := state.pop(PROBLEM, ""):
        st.error(plain(problem))
    return cues.get(chosen or NEW)


def _rename(view: View, name: str) -> None:
    try:
        new = rename_cue(view.diagnosis, name, usable_name(st.session_state[f"rename-{name}"]))
    except InputError as error:
        st.session_state[PROBLEM] = str(error)
    else:
        st.session_state[SHOW_CUE] = new.name


def _delete(view: View, name: str) -> None:
    view.diagnosis.project.journal.list_cue(name, added=False)


def usable_name(text: str) -> str:
    """Return a name that a file may have, made of what a person typed: hyphens stand for spaces and signs."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")
