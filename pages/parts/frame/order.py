"""The order of the neurons, which is chosen on the Neurons screen and counts on every screen."""

from __future__ import annotations

import streamlit as st

from neurontune_core.identification.ranking import BY_CLASS, ORDERS
from neurontune_core.session.diagnosis import Diagnosis
from pages.parts.frame.url_state import UrlChoice


def _read(text: str) -> str:
    if text in ORDERS:
        return text
    raise ValueError


ORDER = UrlChoice("order", _read, lambda order: "" if order == BY_CLASS else str(order))


def chosen_order(diagnosis: Diagnosis) -> str:
    """Return the chosen order; that by class for a project which does not have the chosen one."""
    order = st.session_state.get(ORDER.key)
    if order not in diagnosis.orders:
        st.session_state[ORDER.key] = order = BY_CLASS
    return str(order)
