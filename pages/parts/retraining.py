"""Retraining from every screen: its progress in the sidebar, and what it changed, without leaving what is looked at."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.figures_epochs import Histories, learning_strips
from neurontune_core.live import LiveAdvice, LiveRun
from neurontune_core.workspace import Run
from pages.parts.state import View
from pages.parts.tune_settings import SELECT, chosen
from pages.parts.words import plain

SCREENS = Path(__file__).parents[1]
MEASURES = (("worst_group_accuracy", "worst group, %"), ("worst_class_accuracy", "worst class, %"), ("sfit", "SFit"))


def start(here: View) -> None:
    """With λ, mask value and verdicts of now, and the settings of the Retrain screen; one at a time."""
    if "live" not in st.session_state:
        _stop_asking()
        st.session_state["live"] = LiveRun(here.diagnosis, *chosen(here))


def take_what_ended() -> None:
    """Take what has ended since the last run of the script: choose the new head, and ask the adviser about it."""
    live: LiveRun | None = st.session_state.get("live")
    if live is not None and not live.running:
        st.session_state["finished"] = st.session_state.pop("live")
        if live.run:
            st.session_state["choose_run"] = live.run.id
            ask(live, live.run, take=st.session_state.get("advised", True))
    asked: LiveAdvice | None = st.session_state.get("asked")
    if asked is not None and not asked.running and asked.taken:
        st.session_state["choose_run"], asked.taken = asked.taken.id, None


def ask(of: View | LiveRun, run: Run, take: bool = False) -> None:
    """Start asking the adviser about a run of an open project, and no longer about another; then choose its head, where
    that is wanted."""
    _stop_asking()
    st.session_state["asked"] = LiveAdvice(of.diagnosis, run, take)


def _stop_asking() -> None:
    """What the adviser says of an earlier run must not be chosen over a newer one."""
    asked: LiveAdvice | None = st.session_state.pop("asked", None)
    if asked is not None:
        asked.stop()


def retraining(here: View, *, curves: bool) -> None:
    """What is under way, else what the chosen run came to.

    Args:
        curves: draw them here, with a way to the Retrain screen.
    """
    state = st.session_state
    live: LiveRun | None = state.get("live")
    asked: LiveAdvice | None = state.get("asked")
    finished: LiveRun | None = state.get("finished")
    with st.container():  # there even when it is empty, so that what follows keeps its place
        if live is not None:
            _tuning(live, curves)
        elif asked is not None and (asked.running or asked.taken):  # it may have ended since `take_what_ended` looked
            _asking(asked)
        elif finished is not None and finished.error and finished.diagnosis is here.diagnosis:
            st.error(plain(finished.error))
    if live is None and here.run is not None:
        _came_to(here, here.run, curves)


@st.fragment(run_every=0.4)
def _tuning(live: LiveRun, curves: bool) -> None:
    _progress(live, "Retraining …", "Stop; what was reached so far is kept.")
    if curves:
        records = {name: list(each) for name, each in live.histories.items()}
        _strips(records, None, live.diagnosis.identification.groups is not None, live.config.epochs)


@st.fragment(run_every=0.4)
def _asking(asked: LiveAdvice) -> None:
    _progress(asked, "The adviser chooses …", "Stop the adviser; the retrained head stays.")


def _progress(work: LiveRun | LiveAdvice, text: str, stop: str) -> None:
    work.wait(0.2)
    if not work.running:
        st.rerun()
    bar, button = st.columns([4, 1], vertical_alignment="center", gap="small")
    bar.progress(work.share, text)
    button.button("", icon=":material/stop:", key="stop", on_click=work.stop, help=stop, type="tertiary")


def _came_to(here: View, run: Run, curves: bool) -> None:
    """Samples fixed and broken, and how the kept epoch was found."""
    counts = here.split.changes(here.diagnosis.erm, run.head).counts()
    name = f"{run.method[0].upper()}{run.method[1:]}"
    split = plain(here.split.name)
    st.caption(f"**{name}**, on {split}: **{counts.fixed:,}** fixed, **{counts.broken:,}** broken of {counts.n:,}.")
    if curves:
        groups = here.diagnosis.identification.groups is not None
        _strips({"NeuronTune": run.history, "masking off": run.off_history}, run.epoch, groups, len(run.history))
        st.caption(
            f"Curves on {plain(here.diagnosis.identification.split)}. NeuronTune's epoch {run.epoch} was kept: "
            f"{SELECT[run.config.select]}."
        )
    with st.container(horizontal=True):
        st.page_link(SCREENS / "check.py", label="Which ones", icon=":material/fact_check:")
        if curves:
            st.page_link(SCREENS / "retrain.py", label="How", icon=":material/model_training:")


def _strips(histories: Histories, kept: int | None, groups: bool, epochs: int) -> None:
    figure = learning_strips(histories, MEASURES[not groups :], kept, epochs)
    st.plotly_chart(figure, key="strips", config={"displayModeBar": False})
