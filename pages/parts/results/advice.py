"""What the adviser says about a run: kept with the run, and taken as a run of its own."""

from __future__ import annotations

import streamlit as st

from neurontune_core.advise.storage import KeptAdvice
from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.heads import candidate_intervals
from neurontune_core.session.background_run import BackgroundAdvice
from neurontune_core.workspace.project import Run
from pages.parts.frame.background_work import ask
from pages.parts.frame.state import View
from pages.parts.frame.words import plain

EXPLAINED = (
    "The adviser sees no group label. It cuts the identification split into parts, so that each head is judged by its "
    "worst class on samples that it has not seen, and keeps the simpler choice unless another one is better by more "
    "than its standard error. Where that cannot show a shortcut, because the identification split has no more "
    "counter-examples than the tuning split, it retrains on both with the hard samples weighted up: up to ten times, "
    "and up to a quarter of a class. The rule is ours, not the paper's."
)
COLUMNS = (
    "Fixed and broken: identification samples that your head gets wrong and this one right, and the reverse. "
    "Over the parts: the lowest and highest worst-class accuracy among the parts. Masked: mean share of the neurons. "
    "†: one part of the identification split retrains, another finds the neurons."
)


def advice_section(view: View, run: Run) -> None:
    """The advice on a run, from which the chosen one may come: there, or a button that asks for it; while it is under
    way, the sidebar says how far."""
    st.subheader("What we would do")
    asked: BackgroundAdvice | None = st.session_state.get("asked")
    if asked is not None and asked.run.folder == run.folder:
        st.caption(f":material/hourglass_top: {EXPLAINED}")
        return
    advice = run.advice
    if advice is None:
        st.caption(EXPLAINED)
        st.button("Ask the adviser", key="ask", icon=":material/balance:", on_click=ask, args=(view, run))
        return
    told(advice)
    if view.run is not None and view.run.advised:
        st.success("The advised head is chosen: Overview, Check and Export speak of it. The others are in the sidebar.")
    else:
        st.button(
            "Take the advised head",
            key="take",
            type="primary",
            icon=":material/check:",
            on_click=take,
            args=(view, run),
            help="Overview, Check and Export then speak of it. NeuronTune's head stays in the sidebar's list.",
        )


def told(advice: KeptAdvice) -> None:
    """Verdict, reasons, and what they rest on."""
    st.markdown(f"#### {plain(advice.title)}\n**On your data: {plain(advice.what)}**, because")
    st.markdown("\n".join(f"- {plain(reason)}" for reason in advice.reasons))
    figure = candidate_intervals(advice.heads, advice.worst_class, advice.chosen)
    st.plotly_chart(figure, key="candidates", config=NO_MODE_BAR)
    for remark in advice.remarks:
        st.caption(plain(remark))
    with st.expander("The evidence"):
        st.dataframe(list(advice.evidence), hide_index=True, key="evidence")
        st.caption(f"{EXPLAINED} {COLUMNS}")


def take(view: View, run: Run) -> None:
    st.session_state["choose_run"] = view.diagnosis.project.take_advice(run).id
