"""Judging a neuron at speed, and taking it back; the keys work wherever no text field has the focus."""

from __future__ import annotations

import streamlit as st

from neurontune_core.workspace.journal import Journal, Move
from pages.parts.frame.state import View, current_view

BUTTONS = (
    ("spurious", "Spurious", "s", "Always masked, whatever its score."),
    ("core", "Core", "o", "Never masked, whatever its score."),
    ("unsure", "Unsure", "u", "Masked by its score; kept in mind."),
    (None, "Clear", "x", "No verdict: masked by its score."),
)

SLIDERS = {"threshold": "threshold", "mask_value": "mask"}  # setting -> the key of its slider, short in the address


def go_to_place(place: int) -> None:
    """Show the neuron of a place in the ranking."""
    st.session_state["neuron"] = int(current_view().diagnosis.ranking[place])


def judge_bar(view: View, neuron: int) -> None:
    """Verdict and note of one neuron."""
    journal = view.diagnosis.project.journal
    current = journal.current().get(neuron)
    verdict = current.verdict if current else None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        for value, label, key, explanation in BUTTONS:
            st.button(
                label, key=f"judge-{value}", shortcut=key, help=explanation, on_click=judge, args=(neuron, value),
                type="primary" if value and value == verdict else "secondary",
            )  # fmt: skip
        st.toggle("Go on", key="go_on", persist_state="session", help="After a verdict, show the next neuron.")
    st.text_input(
        "Note", current.note if current else "", max_chars=500, key=f"note-{neuron}", placeholder="What it looks at …",
        label_visibility="collapsed", on_change=annotate, args=(neuron,),
    )  # fmt: skip


def judge(neuron: int, verdict: str | None) -> None:
    journal = current_view().diagnosis.project.journal
    before = journal.current().get(neuron)
    journal.judge([neuron], verdict, before.note if before else "", by=_person())
    st.session_state["mask_edited"] = True
    if st.session_state.get("go_on") and verdict is not None:
        st.session_state["neuron"] = current_view().diagnosis.neighbour(neuron, 1)


def annotate(neuron: int) -> None:
    journal = current_view().diagnosis.project.journal
    before = journal.current().get(neuron)
    journal.judge([neuron], before.verdict if before else None, st.session_state[f"note-{neuron}"], by=_person())
    st.session_state["mask_edited"] = True


def moved(setting: str) -> None:
    """The slider of λ or of the mask value was moved."""
    view = current_view()
    before = {"threshold": view.threshold, "mask_value": view.mask_value}[setting]
    view.diagnosis.project.journal.move(setting, before, st.session_state[SLIDERS[setting]], by=_person())


def undo_buttons(journal: Journal) -> None:
    """Undo and redo, on every screen."""
    undoable, redoable = journal.counts()
    kinds = "verdicts, moves of λ and of the mask value"
    st.button(
        "", icon=":material/undo:", shortcut="z", key="undo", disabled=not undoable, on_click=_take_back,
        args=(journal, True), help=f"Undo: {undoable} edits of the mask can be taken back ({kinds}).",
    )  # fmt: skip
    st.button(
        "", icon=":material/redo:", shortcut="y", key="redo", disabled=not redoable, on_click=_take_back,
        args=(journal, False), help=f"Redo: {redoable} edits can be made again.",
    )  # fmt: skip


def _take_back(journal: Journal, undo: bool) -> None:
    """Undo or redo; a verdict's neuron is shown, a slider goes where it was."""
    edit = journal.undo() if undo else journal.redo()
    if isinstance(edit, Move):
        st.session_state[SLIDERS[edit.setting]] = edit.before if undo else edit.after
    elif edit:
        st.session_state["neuron"] = edit.neurons[0]
        for neuron in edit.neurons:
            st.session_state.pop(f"note-{neuron}", None)


def _person() -> str:
    """Who is logged in, where the app asks people to log in."""
    return str(st.user.get("email") or st.user.get("name") or "")
