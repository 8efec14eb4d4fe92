"""Which head is chosen: one select box on every screen, kept in the URL and undone like any other edit."""

from __future__ import annotations

import streamlit as st

from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.named_heads import EXPLANATIONS, NAMES, HeadKey, available, is_current, usual
from neurontune_core.workspace.journal import CueMove, Judgment, Move
from neurontune_core.workspace.run import Run
from pages.parts.frame.mask_edits import WIDGETS, show_setting
from pages.parts.frame.url_state import choose
from pages.parts.frame.view import current_view


def follow_project(diagnosis: Diagnosis) -> None:
    """Give the sidebar the λ, mask value and head of the project that was just opened, where the URL has none."""
    state, source = st.session_state, diagnosis.project.source
    if state.get("mask_of") == source:
        return
    moved = diagnosis.project.journal.settings()
    for setting, widget in WIDGETS.items():
        if "mask_of" in state or widget not in st.query_params:
            show_setting(setting, moved.get(setting, 0.0))
    state["head_of_project"] = "mask_of" in state  # else the URL may have one
    state["mask_of"] = source
    state["edits"] = diagnosis.project.journal.counts()[0]


def choose_run(diagnosis: Diagnosis) -> Run | None:
    """Show the saved runs, and return the chosen one; None before there is one."""
    runs = {run.id: run for run in diagnosis.project.runs()}
    if (newest := st.session_state.pop("choose_run", None)) in runs:
        st.session_state["run"] = newest
    if not runs:
        return None
    run = runs[choose("Retraining", list(runs), "run", pinned=True, help="Newest first. No masking, Retrained and "
                      "Advised are the heads of this one.")]  # fmt: skip
    if not is_current(diagnosis, run):
        st.caption(
            ":material/history: This run was made from an earlier extraction, so its heads are left out; retrain."
        )
    return run


def choose_head(diagnosis: Diagnosis, run: Run | None) -> HeadKey:
    """Show the heads that exist, and return the chosen one; its name is what the URL holds."""
    keys, state, journal = available(diagnosis, run), st.session_state, diagnosis.project.journal
    default = usual(diagnosis, run)
    if state.pop("head_of_project", False):
        state["head"] = NAMES[default]
    if (requested := state.pop("choose_head", None)) in keys:
        state["head"] = NAMES[requested]
    edits = journal.counts()[0]
    if edits > state.get("edits", edits) and state.get("head") == NAMES["trained"] and "mask" in keys:
        last = journal.last()  # an edit of the mask: what it does is what the person is after
        if isinstance(last, (Move, CueMove)) or (isinstance(last, Judgment) and last.verdict):
            state["head"] = NAMES["mask"]
    state["edits"] = edits
    names = {NAMES[key]: key for key in keys}
    explained = " ".join(f"**{name}**: {EXPLANATIONS[key]}" for name, key in names.items())
    return names[
        choose(
            "Chosen head", list(names), "head", keys.index(default), pinned=True, changed=_record,
            help=f"Overview and Check compare it with the trained head, and Export writes it. {explained}",
        )
    ]  # fmt: skip


def take(key: HeadKey) -> None:
    """Choose a head, by a button beside its result; undone like any other edit."""
    view = current_view()
    view.diagnosis.project.journal.choose(view.key, key)
    st.session_state["choose_head"] = key


def _record() -> None:
    view = current_view()
    key = next(key for key, name in NAMES.items() if name == st.session_state["head"])
    view.diagnosis.project.journal.choose(view.key, key)
