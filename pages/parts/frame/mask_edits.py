"""Edits that every screen offers: the settings of the mask, undo and redo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from neurontune_core.identification.agreement import STABLE
from neurontune_core.workspace.journal import Choice, CueListed, CueMove, CueRenamed, Edit, Journal, Move
from pages.parts.frame.view import current_view

SHOW_CUE = "show_cue"  # the cue to show next on the Point screen, "" for a new one
EFFECT_OF = "cue_effect_of"  # the cue whose effect the slider of the Point screen shows
# setting of the mask -> the key of its widget, short in the URL
WIDGETS = {"threshold": "threshold", "mask_value": "mask", "stability": "stable"}


def show_setting(setting: str, value: float) -> None:
    """Set the widget of a setting; that of the stability is on or off."""
    st.session_state[WIDGETS[setting]] = value > 0 if setting == "stability" else value


def shown_stability() -> float:
    """Return the standard errors by which a score must exceed λ, as the toggle has them."""
    return STABLE if st.session_state.get(WIDGETS["stability"], False) else 0.0


def record_move(setting: str) -> None:
    """Write to the journal that the widget of a setting was moved."""
    view = current_view()
    before = {"threshold": view.threshold, "mask_value": view.mask_value, "stability": view.stability}[setting]
    after = shown_stability() if setting == "stability" else st.session_state[WIDGETS[setting]]
    shown_at = st.session_state.get("move_shown_at", 0.0)
    view.diagnosis.project.journal.move(setting, before, after, shown_at=shown_at)
    st.session_state["move_recorded"] = True


@contextmanager
def showing_a_move() -> Iterator[None]:
    """Note when a run of the script that a slider started has ended, in whatever way; the next step counts from it."""
    try:
        yield
    finally:
        if st.session_state.pop("move_recorded", False):
            st.session_state["move_shown_at"] = time.time()


def undo_buttons(journal: Journal) -> None:
    """Show undo and redo."""
    undoable, redoable = journal.counts()
    st.button(
        "", icon=":material/undo:", shortcut="z", key="undo", disabled=not undoable, on_click=_undo, args=(journal,),
        help=f"Undo the last edit (verdict, mask setting, cue or chosen head); {undoable} can be undone.",
    )  # fmt: skip
    st.button(
        "", icon=":material/redo:", shortcut="y", key="redo", disabled=not redoable, on_click=_redo, args=(journal,),
        help=f"Redo the edit that was undone last; {redoable} can be redone.",
    )  # fmt: skip


def _undo(journal: Journal) -> None:
    _apply(journal.undo(), undone=True)


def _redo(journal: Journal) -> None:
    _apply(journal.redo(), undone=False)


def _apply(edit: Edit | None, *, undone: bool) -> None:
    """Set the widgets to what the journal holds after an edit was undone or redone."""
    if isinstance(edit, Move):
        show_setting(edit.setting, edit.before if undone else edit.after)
    elif isinstance(edit, Choice):
        st.session_state["choose_head"] = edit.head_before if undone else edit.head_after
    elif isinstance(edit, CueMove):
        st.session_state.pop(EFFECT_OF, None)  # the slider of the effect follows the journal
    elif isinstance(edit, CueRenamed):
        st.session_state[SHOW_CUE] = edit.name_before if undone else edit.name_after
    elif isinstance(edit, CueListed):
        if edit.added != undone:
            st.session_state[SHOW_CUE] = edit.cue
    elif edit:
        _show(edit.neurons)


def _show(neurons: tuple[int, ...]) -> None:
    """Show the neuron whose verdict changed, and its note as it is in the journal."""
    st.session_state["neuron"] = neurons[0]
    for neuron in neurons:
        st.session_state.pop(f"note-{neuron}", None)
