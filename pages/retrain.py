"""Retrain: settings, live curves, and the result beside the trained head and the head retrained without a mask."""

import streamlit as st

from neurontune_core.live import LiveRun
from pages.parts.address import keep
from pages.parts.advice import ask
from pages.parts.outcome import curves, outcome
from pages.parts.state import view
from pages.parts.tune_settings import settings
from pages.parts.words import plain


@st.fragment(run_every=0.4)
def progress(live: LiveRun, groups: bool) -> None:
    live.wait(0.3)
    if not live.running:
        st.session_state["finished"] = live
        del st.session_state["live"]
        if live.run:
            st.session_state["choose_run"] = live.run.id
            ask(here, live.run, take=st.session_state["advised"])
        st.rerun()
    bar, stop = st.columns([8, 1], vertical_alignment="center")
    bar.progress(live.share, text="Retraining: NeuronTune, then masking off on the same data …")
    stop.button("Stop", on_click=live.stop, help="Keeps what was reached so far.")
    curves({name: list(records) for name, records in live.histories.items() if records}, None, groups, "live")


here = view()
st.title("Retrain the head")
st.markdown(
    "Only the last layer is trained again, on class-balanced batches, with the biased neurons "
    "multiplied by the mask value. No group label is used. λ and the mask value are in the sidebar."
)
config, tuning = settings(here)
st.toggle(
    "Let the adviser choose the head", value=True, **keep("advised"),
    help="It chooses among your head, masking off and NeuronTune without group labels; NeuronTune's head, as in the "
    "paper, is kept beside it. The rule is ours, not the paper's.",
)  # fmt: skip
_ = here.diagnosis.scores  # without mistakes there is nothing to retrain by, and the router says so
live: LiveRun | None = st.session_state.get("live")
if st.session_state.pop("start", False) and live is None:
    st.session_state["live"] = live = LiveRun(here.diagnosis, config, tuning)
if live is not None:
    progress(live, here.diagnosis.identification.groups is not None)
else:
    finished: LiveRun | None = st.session_state.get("finished")
    if finished is not None and finished.error:
        st.error(plain(finished.error))
    if here.run:
        outcome(here)
    else:
        st.info("Nothing retrained yet. The built-in example takes about two seconds.")
