"""The number of the chosen neuron, which Neurons and Groups share."""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neurontune_core.diagnosis import Diagnosis
from pages.parts.address import keep


def neuron_box(diagnosis: Diagnosis, place: DeltaGenerator, label: Literal["visible", "collapsed"] = "visible") -> int:
    """The chosen neuron, at first the one with the highest score."""
    count, first = len(diagnosis.ranking), int(diagnosis.ranking[0])
    if st.session_state.get("neuron") not in range(count):
        st.session_state["neuron"] = first
    # Without a default, neuron 0 stands in the address as any other does.
    chosen = place.number_input("Neuron", 0, count - 1, None, label_visibility=label, **keep("neuron"))
    return first if chosen is None else int(chosen)
