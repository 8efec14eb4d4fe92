"""Retrain: settings, live curves, and the result beside the trained head and the head retrained without a mask."""

import streamlit as st

from neurontune_core.session.background_run import BackgroundRun
from pages.parts.frame.tune_settings import ASK_ADVISER, settings
from pages.parts.frame.view import current_view
from pages.parts.results.outcome import curves, outcome


@st.fragment(run_every=0.4)
def progress(live: BackgroundRun, groups: bool) -> None:
    """Draw the curves so far; the sidebar notices the end and runs the script again."""
    curves({name: list(records) for name, records in live.histories.items() if records}, None, groups, "live")


view = current_view()
st.title("Retrain the head")
st.markdown(
    "Only the last layer is retrained, on class-balanced batches, with the activations of biased neurons multiplied by "
    "the mask value. Group labels are not used. λ and the mask value are in the sidebar."
)
settings(view)
st.toggle(
    "Ask the adviser after each retraining", **ASK_ADVISER.starting_at(True),
    help="It says which head it would take and why, without group labels; you decide. The rule is ours, not the "
    "paper's.",
)  # fmt: skip
_ = view.diagnosis.scores  # raises the sentence that the router shows, where nothing is misclassified
live: BackgroundRun | None = st.session_state.get("live")
if live is not None:
    progress(live, view.diagnosis.identification.groups is not None)
elif "retrained" in view.keys:
    outcome(view)
else:
    st.info("Nothing is retrained yet. The built-in example takes about two seconds.")
