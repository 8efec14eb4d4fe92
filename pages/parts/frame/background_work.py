"""Retraining and adviser as work that belongs to a project: begun in one session, taken by it or by the next one."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import streamlit as st

from neurontune_core.session.background_run import BackgroundAdvice, BackgroundRun
from neurontune_core.workspace.project import Project, Run
from pages.parts.frame.state import View
from pages.parts.frame.tune_settings import chosen

_under_way: dict[
    Path, BackgroundRun | BackgroundAdvice
] = {}  # of each project the latest, until a session has taken its end
_taking = Lock()


def start(view: View) -> None:
    """With λ, mask value and verdicts of now, and the settings of the Retrain screen; one at a time."""
    if "live" not in st.session_state:
        _stop_asking()
        st.session_state["live"] = _under_way[view.diagnosis.project.source] = BackgroundRun(
            view.diagnosis, *chosen(view)
        )


def pick_up(project: Project) -> None:
    """What is under way in a project that this session has just come to; a reload of the page begins a new session."""
    if st.session_state.get("came_to") != project.source:
        st.session_state["came_to"] = project.source
        if "live" not in st.session_state:
            _join(project)


def take_what_ended() -> None:
    """Take what has ended since the last run of the script: choose the new head, and ask the adviser about it."""
    state = st.session_state
    live: BackgroundRun | None = state.get("live")
    if live is not None and not live.running:
        state["finished"] = state.pop("live")
        if live.run:
            state["choose_run"] = live.run.id
        if not _forget(live):  # another session has taken it
            _join(live.diagnosis.project)
        elif live.run:
            ask(live, live.run, take=state.get("advised", True))
    asked: BackgroundAdvice | None = state.get("asked")
    if asked is not None and not asked.running:
        state["answered"] = state.pop("asked")
        _forget(asked)
        if asked.taken:
            state["choose_run"] = asked.taken.id


def ask(of: View | BackgroundRun, run: Run, take: bool = False) -> None:
    """Start asking the adviser about a run of an open project, and no longer about another; then choose its head, where
    that is wanted."""
    _stop_asking()
    st.session_state["asked"] = _under_way[of.diagnosis.project.source] = BackgroundAdvice(of.diagnosis, run, take)


def _stop_asking() -> None:
    """What the adviser says of an earlier run must not be chosen over a newer one."""
    st.session_state.pop("answered", None)
    asked: BackgroundAdvice | None = st.session_state.pop("asked", None)
    if asked is not None:
        asked.stop()


def _join(project: Project) -> None:
    work = _under_way.get(project.source)
    if work is not None:
        st.session_state["live" if isinstance(work, BackgroundRun) else "asked"] = work


def _forget(work: BackgroundRun | BackgroundAdvice) -> bool:
    """Whether it was still the latest of its project."""
    source = work.diagnosis.project.source
    with _taking:  # sessions run in threads of their own
        latest = _under_way.get(source) is work
        if latest:
            del _under_way[source]
    return latest
