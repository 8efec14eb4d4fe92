"""Navigation and the sidebar that all screens share."""

from __future__ import annotations

import gc
from pathlib import Path

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.identify import chance_share
from pages.parts import state
from pages.parts.words import HELP

PAGES = Path(__file__).parent
SCREENS = {
    "overview": (":material/monitoring:", "Overview"),
    "neurons": (":material/neurology:", "Neurons"),
    "retrain": (":material/model_training:", "Retrain"),
    "export": (":material/download:", "Export"),
    "setup": (":material/settings:", "Setup"),
}


@st.cache_resource
def settle() -> None:
    """Keep the collector that runs after each script away from what the imports left behind."""
    gc.collect()
    gc.freeze()


def sidebar() -> state.View | None:
    """Project, λ, mask value and run; None when the project cannot be opened."""
    names = state.workspace().names()
    if not names:
        return None
    name = st.selectbox("Project", names, key="project", bind="query-params", help="Make your own on the Setup page.")
    try:
        diagnosis = state.diagnosis(name)
        scores = diagnosis.scores
    except InputError as error:
        st.error(str(error))
        return None
    top = max(float(scores.neuron_scores.max()), 1e-3)
    threshold = st.slider(
        "λ, threshold", 0.0, top, 0.0, top / 200, "%.3f", key="threshold", bind="query-params", help=HELP["threshold"]
    )
    mask_value = st.slider("Mask value", 0.0, 1.0, 0.0, 0.05, key="mask", bind="query-params", help=HELP["mask value"])
    masked = diagnosis.masked_neurons(threshold)
    st.markdown(f"**{int(masked.sum())} of {len(masked)}** neurons masked")
    st.caption(f"Pure noise would give about {chance_share(diagnosis.erm.num_classes):.0%} at λ = 0.")
    runs = {run.id: run for run in diagnosis.project.runs()}
    chosen = None
    if (newest := st.session_state.pop("choose_run", None)) in runs:
        st.session_state["run"] = newest
    if runs:
        chosen = st.selectbox("Retrained head", list(runs), key="run", bind="query-params", help="Newest first.")
    return state.View(name, diagnosis, threshold, mask_value, runs.get(chosen) if chosen else None)


st.set_page_config(page_title="NeuronTune", page_icon=str(PAGES.parent / "assets" / "logo.svg"), layout="wide")
pages = [
    st.Page(PAGES / f"{name}.py", title=title, icon=icon, default=name == "overview")
    for name, (icon, title) in SCREENS.items()
]
page = st.navigation(pages)
with st.sidebar:
    st.session_state["view"] = sidebar()
try:
    page.run()
except InputError as error:
    st.error(str(error))
settle()
