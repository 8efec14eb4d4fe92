"""Retrain: settings, live curves, and the result beside the trained head and the head retrained without a mask."""

import streamlit as st

from neurontune_core.session.background_run import BackgroundRun
from pages.parts.frame.state import current_view
from pages.parts.frame.tune_settings import ADVISED, settings
from pages.parts.results.outcome import curves, outcome


@st.fragment(run_every=0.4)
def progress(live: BackgroundRun, groups: bool) -> None:
    """Until the sidebar, which says how far it is, takes the result."""
    curves({name: list(records) for name, records in live.histories.items() if records}, None, groups, "live")


view = current_view()
st.title("Retrain the head")
st.markdown(
    "Only the last layer is trained again, on class-balanced batches, with the biased neurons "
    "multiplied by the mask value. No group label is used. λ and the mask value are in the sidebar."
)
settings(view)
st.toggle(
    "Let the adviser choose the head", value=True, **ADVISED.widget,
    help="It chooses among your head, masking off and NeuronTune without group labels; NeuronTune's head, as in the "
    "paper, is kept beside it. The rule is ours, not the paper's.",
)  # fmt: skip
_ = view.diagnosis.scores  # without mistakes there is nothing to retrain by, and the router says so
live: BackgroundRun | None = st.session_state.get("live")
if live is not None:
    progress(live, view.diagnosis.identification.groups is not None)
elif view.run:
    outcome(view)
else:
    st.info("Nothing retrained yet. The built-in example takes about two seconds.")
