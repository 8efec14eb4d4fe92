"""The list of all neurons to sort, filter and choose from, and how many of them are masked."""

from __future__ import annotations

import streamlit as st

from neurontune_core.identification.confidence import LEVEL, SURE, Confidence
from neurontune_core.identification.scores import chance_share
from neurontune_core.session.neuron_table import listed_neurons, neuron_table
from pages.parts.frame.url_state import in_url
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP

FLOATS = ("float32", "float64")
FILTERS = ("all", "masked", "sure", "labeled manually")


def count_masked(view: View, confidence: Confidence | None) -> None:
    """Show how many neurons are masked, and how many of them chance explains."""
    masked = view.masked
    st.markdown(f"#### {int(masked.sum())} of {len(masked)} masked", help=HELP["score"])
    counts = f"{int((view.diagnosis.mask_scores(view.stability) > view.threshold).sum())} by score" + (
        ", by two standard errors."
        if view.stability
        else f"; at λ = 0, noise alone would give {chance_share(view.diagnosis.erm.num_classes):.0%}."
    )
    if confidence is None:
        st.caption(counts)
        _until_confidence(view)
    else:
        sure = int((confidence.verdicts(view.threshold) == SURE).sum())
        st.caption(
            f"{counts} **{sure}** are surely biased: chance explains at most {LEVEL:.0%} of these.",
            help=HELP["significant"],
        )


@st.fragment(run_every=0.5)
def _until_confidence(view: View) -> None:
    """Wait for intervals and verdicts; the scores are painted already."""
    if view.diagnosis.confidence() is not None:
        st.rerun()
    st.caption(":material/hourglass_top: Computing the confidence of the scores …")


def neuron_list(view: View, confidence: Confidence | None) -> None:
    """Show the filter and the table; a click on a row chooses its neuron."""
    chosen = st.segmented_control("Show", FILTERS, default=FILTERS[0], required=True, **in_url("filter"))
    neurons = listed_neurons(view.diagnosis, view.ranking, chosen, view.masked, view.threshold, confidence)
    table = neuron_table(view.diagnosis, view.ranking, neurons, view.masked, view.threshold, confidence)

    def pick() -> None:
        rows = st.session_state["table"]["selection"]["rows"]
        if rows:
            st.session_state["neuron"] = int(neurons[rows[0]])

    st.dataframe(
        table,
        column_config={
            name: st.column_config.NumberColumn(format="%.0f" if name == "zero, %" else "%.3f")
            for name, column in table.items()
            if getattr(column, "dtype", None) in FLOATS
        },
        height=380,
        hide_index=True,
        key="table",
        on_select=pick,
        selection_mode="single-row",
    )
    st.caption(
        f"Score: {HELP['score']} {view.diagnosis.scores.num_silent} neurons are silent on most samples and score 0. "
        "Click a row to show its neuron, a heading to sort, the magnifier to search."
    )
