"""Retraining in the sidebar of every screen: its progress, what it changed, and what the adviser says of it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.figures.base import NO_MASKING, NO_MODE_BAR
from neurontune_core.figures.epochs import Histories, learning_strips
from neurontune_core.session.background_run import BackgroundAdvice, BackgroundRun
from neurontune_core.session.named_heads import NAMES
from neurontune_core.workspace.run import Run
from pages.parts.frame.advice_card import advice_card, better_without_mask
from pages.parts.frame.tune_settings import SELECT
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

SCREENS = Path(__file__).parents[2]
MEASURES = (("worst_group_accuracy", "worst group, %"), ("worst_class_accuracy", "worst class, %"), ("sfit", "SFit"))


def retraining(view: View, *, curves: bool) -> None:
    """Show the progress of a running retraining or adviser, else what the chosen run changed.

    Args:
        curves: draw the learning curves, too, and link to the Retrain screen.
    """
    state = st.session_state
    live: BackgroundRun | None = state.get("live")
    asked: BackgroundAdvice | None = state.get("asked")
    with st.container():  # always there, so that what follows keeps its place on the screen
        if live is not None:
            _run_progress(live, curves)
        elif asked is not None:
            _advice_progress(asked)
        else:
            for ended in (state.get("finished"), state.get("answered")):
                if ended is not None and ended.error and ended.diagnosis is view.diagnosis:
                    st.error(plain(ended.error))
    if live is None and view.run is not None and "retrained" in view.keys:
        better_without_mask(view)
        advice_card(view, view.run)
        _summary(view, view.run, curves)


@st.fragment(run_every=0.4)
def _run_progress(live: BackgroundRun, curves: bool) -> None:
    _progress(live, "Retraining …", "Stop and keep the best epoch so far.")
    if curves:
        histories = {name: list(records) for name, records in live.histories.items()}
        _strips(histories, None, live.diagnosis.identification.groups is not None, live.config.epochs)


@st.fragment(run_every=0.4)
def _advice_progress(asked: BackgroundAdvice) -> None:
    _progress(asked, "The adviser compares heads …", "Stop the adviser; the retrained head stays.")


def _progress(work: BackgroundRun | BackgroundAdvice, text: str, stop: str) -> None:
    work.wait(0.2)
    if not work.running:
        st.rerun()
    bar, button = st.columns([4, 1], vertical_alignment="center", gap="small")
    bar.progress(work.share, text)
    button.button("", icon=":material/stop:", key="stop", on_click=work.stop, help=stop, type="tertiary")


def _summary(view: View, run: Run, curves: bool) -> None:
    """Show how many samples the chosen head corrects and gets newly wrong, and how the run's epoch was selected."""
    counts, split = view.split.changes(view.diagnosis.erm, view.chosen.head).counts(), plain(view.split.name)
    if view.key != "trained":
        st.caption(
            f"**{view.chosen.name}** on {split}: **{counts.fixed:,}** corrected, **{counts.broken:,}** newly wrong of "
            f"{counts.n:,}."
        )
    for note in view.chosen.notes:
        st.caption(f":material/info: {note}")
    if _mask_has_changed(view, run):
        st.caption(
            ":material/info: Mask settings or verdicts have changed since this retraining. Retrain to apply them."
        )
    if curves:
        groups = view.diagnosis.identification.groups is not None
        _strips({NAMES["retrained"]: run.history, NO_MASKING: run.off_history}, run.epoch, groups, len(run.history))
        st.caption(
            f"Measured on {plain(view.diagnosis.identification.split)}. Retrained keeps epoch {run.epoch}: "
            f"{SELECT[run.config.select]}."
        )
    with st.container(horizontal=True):
        st.page_link(SCREENS / "check.py", label="Check samples", icon=":material/fact_check:")
        if curves:
            st.page_link(SCREENS / "retrain.py", label="Details", icon=":material/model_training:")


def _mask_has_changed(view: View, run: Run) -> bool:
    """Return whether the run was made with another λ, mask value or other verdicts than those of now."""
    config = run.config
    stability = view.stability if config.select == "robust" else config.stability  # robust has its own
    settings = (config.threshold, config.mask_value, stability)
    now = (view.threshold, view.mask_value, view.stability)
    return settings != now or dict(run.mask.verdicts) != view.diagnosis.verdicts()


def _strips(histories: Histories, kept: int | None, groups: bool, epochs: int) -> None:
    figure = learning_strips(histories, MEASURES[not groups :], kept, epochs)
    st.plotly_chart(figure, key="strips", config=NO_MODE_BAR)
