"""Groups guessed without labels, as slices of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from neurontune_core.errors import InputError
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

if TYPE_CHECKING:
    from neurontune_core.evaluation.slices import Slice


def probably_hard(view: View) -> list[Slice]:
    """Return the samples that twin heads guess to be misled, with a sentence on how."""
    st.caption(
        "A guess, without group labels: two heads train on halves of the tuning split and correct each other's labels "
        "until both follow the easiest feature (XRM). The samples that they still misclassify probably go against a "
        "shortcut."
    )
    try:
        with st.spinner("Training the two heads …"):
            return view.split.hard_slices
    except InputError as error:
        st.warning(plain(str(error)))
        return []
