"""The ways to the Point screen: from the close-up of a sample, and from a group that was just kept."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts.frame.mask_edits import SHOW_CUE
from pages.parts.frame.view import View

SCREEN = Path(__file__).parents[2] / "point.py"
WAY, HAS = "way-of-cue", "picks-has"  # what the Point screen reads of the session
POINT, PICK = "Point at it", "Pick samples"  # the ways
KEPT_GROUP = "kept_group"
_REQUESTED, _OPENED = "point_at", "opened_to_point"


def can_point(view: View) -> bool:
    """Return whether a cue can be put into the samples: they are shown, and their network is known."""
    return view.gallery.has_model and (view.gallery.has_images or view.gallery.has_texts)


def point_button(view: View, split: str, row: int, key: str) -> None:
    """Show the button that opens the Point screen on a sample, where there is anything to point at."""
    if can_point(view) and st.button("Point at what it looks at", key=f"point-{key}", icon=":material/ads_click:"):
        st.session_state[_REQUESTED] = (view.name, split, row)
        st.session_state.update({SHOW_CUE: "", WAY: POINT})
        st.switch_page(SCREEN, query_params={})  # without a value it refuses, as some are bound to widgets


def requested_sample(view: View, opened: int | None) -> tuple[str, int] | None:
    """Return split and row of the sample that another screen asked for, until one is opened on this screen."""
    state = st.session_state
    if opened != state.setdefault(_OPENED, opened):
        state[_OPENED] = opened
        state.pop(_REQUESTED, None)
    name, split, row = state.get(_REQUESTED, ("", "", 0))
    return (split, row) if name == view.name else None


def group_label(name: str, split: str) -> str:
    """Return how the Point screen lists an own group."""
    return f"{name} (own group of {split})"


def group_button(view: View) -> None:
    """Show the button that makes the group that was just kept a cue: its samples have it."""
    project, name, split = st.session_state.get(KEPT_GROUP, ("", "", ""))
    if project != view.name:
        return
    if st.button("These samples have a cue", key="group-to-cue", icon=":material/ads_click:"):
        del st.session_state[KEPT_GROUP]
        st.session_state.update({SHOW_CUE: "", WAY: PICK, HAS: [group_label(name, split)]})
        st.switch_page(SCREEN, query_params={})  # without a value it refuses, as some are bound to widgets
