"""The number of the chosen neuron, which Neurons and Groups share."""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neurontune_core.identification.ranking import Ranking
from pages.parts.frame.url_state import UrlChoice, write_to_url

NEURON = UrlChoice("neuron", int, str)


def neuron_box(ranking: Ranking, place: DeltaGenerator, label: Literal["visible", "collapsed"] = "visible") -> int:
    """Show the number of the chosen neuron and return it; at first, the one that is ranked first."""
    count = len(ranking)
    if st.session_state.get("neuron") not in range(count):
        st.session_state["neuron"] = ranking.first
    chosen = place.number_input("Neuron", 0, count - 1, label_visibility=label, **NEURON.widget)
    write_to_url([NEURON])
    return int(chosen)
