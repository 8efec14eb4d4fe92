"""Retraining and adviser as background work of a project: started in one session, collected by it or by a later one."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import streamlit as st

from neurontune_core.session.background_run import BackgroundAdvice, BackgroundRun
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run
from pages.parts.frame.tune_settings import ASK_ADVISER, chosen
from pages.parts.frame.view import View

RETRAIN_REQUESTED = "retrain_requested"  # in the session: a button of a screen asked for a retraining
_running: dict[Path, BackgroundRun | BackgroundAdvice] = {}  # project -> its latest work, until a session collects it
_lock = Lock()  # of `_running`: sessions run in threads of their own


def start(view: View) -> None:
    """Start a retraining with the current mask and the settings of the Retrain screen, unless one runs already."""
    if "live" not in st.session_state:
        _stop_adviser()
        run = BackgroundRun(view.diagnosis, *chosen(view))
        st.session_state["live"] = _running[view.diagnosis.project.source] = run


def reattach(project: Project) -> None:
    """Take over the work that runs in a project this session has just opened; a reload starts a new session."""
    if st.session_state.get("session_project") != project.source:
        st.session_state["session_project"] = project.source
        if "live" not in st.session_state:
            _attach(project)


def collect_results() -> None:
    """Collect the work that ended since the last run of the script: choose the retrained head, and ask the adviser."""
    state = st.session_state
    live: BackgroundRun | None = state.get("live")
    if live is not None and not live.running:
        state["finished"] = state.pop("live")
        if live.run:
            state["choose_run"], state["choose_head"] = live.run.id, "retrained"
        if not _remove(live):  # another session has collected it
            _attach(live.diagnosis.project)
        elif live.run and state.get(ASK_ADVISER.key, True):
            ask(live, live.run)
    asked: BackgroundAdvice | None = state.get("asked")
    if asked is not None and not asked.running:
        state["answered"] = state.pop("asked")
        _remove(asked)


def ask(of: View | BackgroundRun, run: Run) -> None:
    """Ask the adviser about a run, in place of any run that it was asked about before.

    Args:
        of: holds the opened project.
        run: the run.
    """
    _stop_adviser()
    st.session_state["asked"] = _running[of.diagnosis.project.source] = BackgroundAdvice(of.diagnosis, run)


def _stop_adviser() -> None:
    """Stop the adviser, whose answer would be about an earlier run."""
    st.session_state.pop("answered", None)
    asked: BackgroundAdvice | None = st.session_state.pop("asked", None)
    if asked is not None:
        asked.stop()


def _attach(project: Project) -> None:
    work = _running.get(project.source)
    if work is not None:
        st.session_state["live" if isinstance(work, BackgroundRun) else "asked"] = work


def _remove(work: BackgroundRun | BackgroundAdvice) -> bool:
    """Remove work that has ended; return False where a session did so before."""
    source = work.diagnosis.project.source
    with _lock:
        latest = _running.get(source) is work
        if latest:
            del _running[source]
    return latest
