"""Warnings of the core on a screen, few or many."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.frame.words import plain

MOST = 3


def warn(sentences: Sequence[str]) -> None:
    """Show a few warnings one by one; of many their number and a list to unfold."""
    if len(sentences) <= MOST:
        for sentence in sentences:
            st.warning(plain(sentence))
        return
    st.warning(f"{len(sentences)} warnings, such as: {plain(sentences[0])}")
    with st.expander("All warnings"):
        st.dataframe({"warning": list(sentences)}, hide_index=True, key="warnings")
