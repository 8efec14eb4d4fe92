"""Navigation and the sidebar that all screens share."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from neurontune_core.diagnosis import Diagnosis
from neurontune_core.errors import InputError
from neurontune_core.identify import NoMistakes
from neurontune_core.workspace import Run
from pages.parts import state
from pages.parts.ahead import page_shown, settle
from pages.parts.judging import SLIDERS, moved, undo_bar
from pages.parts.words import HELP, plain

PAGES = Path(__file__).parent
SECTIONS = {
    "": {
        "overview": (":material/monitoring:", "Overview"),
        "neurons": (":material/neurology:", "Neurons"),
        "retrain": (":material/model_training:", "Retrain"),
        "check": (":material/fact_check:", "Check"),
        "groups": (":material/lasso_select:", "Groups"),
        "export": (":material/download:", "Export"),
    },
    "Your own": {
        "setup": (":material/settings:", "Setup"),
        "train": (":material/fitness_center:", "Train"),
    },
    "Study": {
        "compare": (":material/leaderboard:", "Compare"),
        "ablations": (":material/science:", "Ablations"),
        "theory": (":material/function:", "Theory lab"),
    },
}


def sidebar() -> state.View | None:
    """Project, λ, mask value and run; None when the project cannot be opened."""
    names = state.workspace().names()
    if not names:
        return None
    chosen = st.selectbox("Project", names, key="project", bind="query-params", help="Make your own on the Setup page.")
    try:
        diagnosis = state.diagnosis(chosen)
        threshold, mask_value = mask_settings(diagnosis)
        return state.View(chosen, diagnosis, threshold, mask_value, choose_run(diagnosis))
    except InputError as error:
        st.error(plain(str(error)))
        return None


def mask_settings(diagnosis: Diagnosis) -> tuple[float, float]:
    """λ and the mask value."""
    try:
        top = max(float(diagnosis.scores.neuron_scores.max()), 1e-3)
    except NoMistakes as error:
        st.info(plain(str(error)))
        return 0.0, 0.0
    threshold = st.slider(
        "λ, threshold", 0.0, top, 0.0, top / 200, "%.3f", key=SLIDERS["threshold"], bind="query-params",
        help=HELP["threshold"], on_change=moved, args=("threshold",),
    )  # fmt: skip
    mask_value = st.slider(
        "Mask value", 0.0, 1.0, 0.0, 0.05, key=SLIDERS["mask_value"], bind="query-params",
        help=HELP["mask value"], on_change=moved, args=("mask_value",),
    )  # fmt: skip
    masked = diagnosis.masked_neurons(threshold)
    st.markdown(f"**{int(masked.sum())} of {len(masked)}** neurons masked")
    if masked.all():
        st.warning("Nothing is left to classify with; raise λ, or judge some neurons core.")
    undo_bar(diagnosis.project.journal)
    retrain_button()
    return threshold, mask_value


def choose_run(diagnosis: Diagnosis) -> Run | None:
    runs = {run.id: run for run in diagnosis.project.runs()}
    if (newest := st.session_state.pop("choose_run", None)) in runs:
        st.session_state["run"] = newest
    if not runs:
        return None
    return runs[st.selectbox("Retrained head", list(runs), key="run", bind="query-params", help="Newest first.")]


def retrain_button() -> None:
    """From every screen, with the settings of the Retrain screen."""
    if st.button("Retrain", type="primary", icon=":material/model_training:", shortcut="ctrl+enter", width="stretch"):
        st.session_state["start"] = True
        if page.title != SECTIONS[""]["retrain"][1]:
            # Without query_params, Streamlit refuses to leave an address that holds a widget's value.
            st.switch_page(PAGES / "retrain.py", query_params={})


st.set_page_config(page_title="NeuronTune", page_icon=str(PAGES.parent / "assets" / "logo.svg"), layout="wide")
pages = {
    section: [
        st.Page(PAGES / f"{name}.py", title=title, icon=icon, default=name == "overview")
        for name, (icon, title) in screens.items()
    ]
    for section, screens in SECTIONS.items()
}
page = st.navigation(pages)
st.html(PAGES.parent / "assets" / "app.html")
with st.sidebar:
    st.session_state["view"] = sidebar()
try:
    page.run()
except InputError as error:
    st.error(plain(str(error)))
page_shown.set()
settle(len(sys.modules) // 250)
