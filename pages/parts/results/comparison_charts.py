"""Charts of a comparison: average against worst accuracy, and accuracy by group."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from neurontune_core.experiments.methods import ALWAYS, MethodSummary
from neurontune_core.experiments.published import Published
from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.methods import method_label, part_bars, tradeoff
from pages.parts.frame.url_state import in_url

_AT_FIRST = 5  # methods in the chart


def average_against_worst(summaries: list[MethodSummary], published: Sequence[Published]) -> None:
    """Draw the trade-off of all methods."""
    st.subheader("Average against worst")
    st.caption(
        "Up and to the right is better. The dotted line is the Pareto front: no other method is better in both. "
        "Diamonds use group labels; bars are standard deviations over seeds; hollow points are published."
    )
    st.plotly_chart(tradeoff(summaries, published), key="tradeoff", config=NO_MODE_BAR)


def accuracy_by_part(summaries: list[MethodSummary]) -> None:
    """Draw the accuracy of chosen methods by group (by class, without groups)."""
    names = {summary.method.key: method_label(summary) for summary in summaries}
    own = [key for key in (*ALWAYS, "neurontune") if key in names]
    first = list(dict.fromkeys([*own, *names]))[:_AT_FIRST]
    st.subheader("By group" if summaries[0].runs[0].evaluation.groups else "By class")
    chosen = st.multiselect("Methods in the chart", list(names), first, format_func=names.__getitem__, **in_url("bars"))
    if chosen:
        figure = part_bars([summary for summary in summaries if summary.method.key in chosen])
        st.plotly_chart(figure, key="parts", config=NO_MODE_BAR)
