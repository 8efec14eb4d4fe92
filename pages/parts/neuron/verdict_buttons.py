"""Verdict and note of a neuron; each verdict has a key that works wherever no text field has the focus."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame.view import View, current_view

BUTTONS = (
    ("spurious", "Spurious", "s", "Always masked, whatever its score."),
    ("core", "Core", "o", "Never masked, whatever its score."),
    ("unsure", "Unsure", "u", "Masked by its score; marked to come back to."),
    (None, "Clear", "x", "No verdict: masked by its score."),
)


def verdict_buttons(view: View, neuron: int) -> None:
    """Show the buttons of the verdicts, and the note."""
    current = view.diagnosis.project.journal.current().get(neuron)
    verdict = current.verdict if current else None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        for value, label, key, explanation in BUTTONS:
            st.button(
                label, key=f"judge-{value}", shortcut=key, help=explanation, on_click=_judge, args=(neuron, value),
                type="primary" if value and value == verdict else "secondary",
            )  # fmt: skip
        st.toggle("Next after verdict", key="next_after_verdict", persist_state="session")
    st.text_input(
        "Note", current.note if current else "", max_chars=500, key=f"note-{neuron}",
        placeholder="What this neuron responds to …", label_visibility="collapsed", on_change=_annotate, args=(neuron,),
    )  # fmt: skip


def _judge(neuron: int, verdict: str | None) -> None:
    view = current_view()
    journal = view.diagnosis.project.journal
    before = journal.current().get(neuron)
    journal.judge([neuron], verdict, before.note if before else "")
    st.session_state["mask_edited"] = True
    if st.session_state.get("next_after_verdict") and verdict is not None:
        st.session_state["neuron"] = view.ranking.neighbor(neuron, 1)


def _annotate(neuron: int) -> None:
    journal = current_view().diagnosis.project.journal
    before = journal.current().get(neuron)
    journal.judge([neuron], before.verdict if before else None, st.session_state[f"note-{neuron}"])
    st.session_state["mask_edited"] = True
