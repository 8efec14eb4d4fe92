"""The adviser's recommendation about a run, with its reasons and the evidence; the sidebar's card takes it."""

from __future__ import annotations

import streamlit as st

from neurontune_core.advise.sentences import HEADINGS
from neurontune_core.advise.storage import KeptAdvice
from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.heads import candidate_intervals
from neurontune_core.session.background_run import BackgroundAdvice
from neurontune_core.workspace.run import Run
from pages.parts.frame.background_work import ask
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

EXPLAINED = (
    "The adviser sees no group labels. It cross-validates every head on the identification split, judges it by its "
    "worst class on unseen samples, and keeps the simpler choice unless another is better by more than its standard "
    "error. Samples that belong together (a unit, a pair) are never torn apart. Where the identification split has no "
    "more counter-examples than the tuning split, and so cannot reveal a shortcut, it retrains on both with upweighted "
    "hard samples: up to ten times, and up to a quarter of a class. The rule is ours, not the paper's."
)
COLUMNS = (
    "Corrected and newly wrong: identification samples that only this head, or only your head, classifies correctly. "
    "Over the parts: lowest and highest worst-class accuracy among the parts. Masked: mean share of the neurons. †: "
    "one part of the identification split retrains, another identifies the neurons. Your mask alone: as on the screen; "
    "these samples may have chosen it, so its figure is optimistic. Interval: 95 %, for new samples like these, by the "
    "number of units and by how much the parts differ."
)


def advice_section(view: View, run: Run) -> None:
    """Show the advice about a run, or a button that asks for it; the sidebar shows the progress."""
    st.subheader("Recommendation")
    asked: BackgroundAdvice | None = st.session_state.get("asked")
    if asked is not None and asked.run.folder == run.folder:
        st.caption(f":material/hourglass_top: {EXPLAINED}")
        return
    advice = run.advice
    if advice is None:
        st.caption(EXPLAINED)
        st.button("Ask the adviser", key="ask", icon=":material/balance:", on_click=ask, args=(view, run))
        return
    recommendation(advice)
    if view.key == "advised":
        st.success(
            "The advised head is chosen: Overview, Check and Export show it. Undo (Z) brings the earlier one back."
        )
    else:
        st.caption("**Take it** in the sidebar (A) makes this head the chosen one; nothing is replaced until you do.")


def recommendation(advice: KeptAdvice) -> None:
    """Show the verdict, the reasons, and the evidence."""
    st.markdown(f"#### {plain(advice.title)}\n**On your data: {plain(advice.what)}**, because")
    st.markdown("\n".join(f"- {plain(reason)}" for reason in advice.reasons))
    figure = candidate_intervals(advice.heads, advice.worst_class, advice.chosen)
    st.plotly_chart(figure, key="candidates", config=NO_MODE_BAR)
    for remark in advice.remarks:
        st.caption(plain(remark))
    with st.expander("Evidence"):
        st.dataframe(list(advice.evidence), hide_index=True, key="evidence", column_config=HEADINGS)
        st.caption(f"{EXPLAINED} {COLUMNS}")
