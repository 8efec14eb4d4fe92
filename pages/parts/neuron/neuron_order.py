"""The choice of what ranks the neurons, one sentence on it, and the way to a place in the ranking."""

from __future__ import annotations

import streamlit as st

from neurontune_core.identification.confidence import Confidence
from neurontune_core.identification.ranking import (
    BY_CLASS,
    CUE,
    PAPER,
    RESPONSE,
    Ranking,
    class_with_higher_scores,
    explain_order,
)
from pages.parts.frame.order import ORDER
from pages.parts.frame.url_state import write_to_url
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, plain

RANKINGS = "rankings"  # in the session: those shown last, by their key


def choose_order(view: View, confidence: Confidence | None) -> None:
    """Show the orders, what the chosen one means, and where another class has higher scores."""
    diagnosis, ranking = view.diagnosis, view.ranking
    orders, cue = diagnosis.orders, diagnosis.shown_cue()
    by_class, short = (
        ("By class with most mistakes", "Most mistakes") if view.label is None else ("By chosen class",) * 2
    )
    titles = {
        BY_CLASS: by_class if len(orders) == 2 else short,  # three of them share a row
        PAPER: "All classes (paper)",
        RESPONSE: f"Responds to {plain(diagnosis.attribute)}",
        CUE: "" if cue is None else f"Your cue: {plain(cue.cue.name)}",
    }
    if st.session_state.get(ORDER.key) not in orders:  # its cue was removed
        st.session_state[ORDER.key] = BY_CLASS
    st.segmented_control(
        "Order", orders, wrap=True, format_func=titles.__getitem__, required=True,
        label_visibility="collapsed", help=HELP["order"], **ORDER.widget,
    )  # fmt: skip
    write_to_url([ORDER])
    names, scores = diagnosis.identification.class_names, diagnosis.scores
    explained = [explain_order(ranking, scores, names, diagnosis.attribute)]
    if ranking.label is not None and ranking.by_interval and confidence is not None:
        lower_ends = confidence.all_intervals[0]
        other = class_with_higher_scores(lower_ends, ranking.label)
        if other is not None:
            highest, own = (float(lower_ends[label].max()) for label in (other, ranking.label))
            explained.append(
                f'Class "{names[other]}" has higher scores (lower ends up to {highest:+.3g}, here up to {own:+.3g}); '
                "choose it in the sidebar to see its order."
            )
    st.caption(plain(" ".join(explained)))


def remember(ranking: Ranking) -> None:
    """Keep the ranking that is shown and the one before, for a press of a key that is still under way."""
    before = st.session_state.get(RANKINGS, {})
    if ranking.key not in before or before[ranking.key] is not ranking:
        kept = [each for each in before.values() if each.key != ranking.key][-1:]
        st.session_state[RANKINGS] = {each.key: each for each in (*kept, ranking)}


def go_to_place(place: int, listed: str) -> None:
    """Show the neuron at a place, from 0, of the ranking of this key."""
    ranking = st.session_state[RANKINGS].get(listed)
    if ranking is not None and place < len(ranking):
        st.session_state["neuron"] = int(ranking.neurons[place])
