"""The sidebar that all screens share: what is looked at, what is masked, and Retrain."""

from __future__ import annotations

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.workspace.project import Run
from pages.parts.frame import state
from pages.parts.frame.address import choice, not_there
from pages.parts.frame.background_work import collect_results, reattach, start
from pages.parts.frame.mask_edits import SLIDERS, record_move, undo_buttons
from pages.parts.frame.retraining import retraining
from pages.parts.frame.words import HELP, plain

EVERY_CLASS = "all classes"


def sidebar(*, curves: bool) -> state.View | None:
    """Project, split, class, λ, mask value and run; None when the project or the split cannot be opened.

    Args:
        curves: show how the chosen run went, too.
    """
    names = state.workspace().names()
    if not names:
        return None
    if "opened" in st.session_state:
        st.session_state["project"] = st.session_state["opened"]
    name = choice("Project", names, "project", help="Make your own on the Setup page.")
    try:
        diagnosis = state.open_diagnosis(name)
        reattach(diagnosis.project)
        collect_results()
        left, right = st.columns(2, gap="small")
        with left:
            split = choose_split(diagnosis)
        with right:
            label = choose_class(diagnosis)
        st.caption(split.caution or found_and_trained(diagnosis))
        links = st.container()
        threshold, mask_value = mask_settings(diagnosis)
        wanted = diagnosis.num_misclassified > 0 and retrain_button()
        view = state.View(name, diagnosis, split, label, threshold, mask_value, choose_run(diagnosis))
        if wanted:
            start(view)
        retraining(view, curves=curves)
        with links:
            not_there()
        return view
    except InputError as error:
        st.error(plain(str(error)))
        return None


def choose_split(diagnosis: Diagnosis) -> MeasuredSplit:
    """What heads are measured on; neurons stay those of the identification split."""
    splits = diagnosis.project.splits
    usual, alone = splits.index(diagnosis.project.content["roles"]["evaluation"]), len(splits) == 1
    return state.measured_split(diagnosis, choice("Split", splits, "split", usual, disabled=alone, help=HELP["split"]))


def found_and_trained(diagnosis: Diagnosis) -> str:
    """The splits that are not chosen here."""
    roles = diagnosis.project.content["roles"]
    return f"Neurons are found on {plain(roles['identification'])}, heads are trained on {plain(roles['tuning'])}."


def choose_class(diagnosis: Diagnosis) -> int | None:
    names = diagnosis.identification.class_names
    chosen = choice("Class", [EVERY_CLASS, *names], "class", help=HELP["class"])
    return None if chosen == EVERY_CLASS else names.index(chosen)


def mask_settings(diagnosis: Diagnosis) -> tuple[float, float]:
    """λ and the mask value."""
    try:
        top = max(float(diagnosis.scores.neuron_scores.max()), 1e-3)
    except NoMistakes as error:
        st.info(plain(str(error)))
        return 0.0, 0.0
    threshold = st.slider(
        "λ, threshold", 0.0, top, 0.0, top / 200, "%.3f", key=SLIDERS["threshold"], bind="query-params",
        help=HELP["threshold"], on_change=record_move, args=("threshold",),
    )  # fmt: skip
    mask_value = st.slider(
        "Mask value", 0.0, 1.0, 0.0, 0.05, key=SLIDERS["mask_value"], bind="query-params",
        help=HELP["mask value"], on_change=record_move, args=("mask_value",),
    )  # fmt: skip
    masked = diagnosis.masked_neurons(threshold)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f"**{int(masked.sum())} of {len(masked)}** masked", width=104)
        undo_buttons(diagnosis.project.journal)
    if masked.all():
        st.warning("Nothing is left to classify with; raise λ, or judge some neurons core.")
    return threshold, mask_value


def choose_run(diagnosis: Diagnosis) -> Run | None:
    runs = {run.id: run for run in diagnosis.project.runs()}
    if (newest := st.session_state.pop("choose_run", None)) in runs:
        st.session_state["run"] = newest
    if not runs:
        return None
    return runs[choice("Retrained head", list(runs), "run", pinned=True, help="Newest first.")]


def retrain_button() -> bool:
    return st.button(
        "Retrain", key="retrain", type="primary", icon=":material/model_training:", shortcut="ctrl+enter",
        width="stretch", disabled="live" in st.session_state, help=HELP["retrain"],
    )  # fmt: skip
