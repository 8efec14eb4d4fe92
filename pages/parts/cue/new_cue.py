"""The form of a new cue: point in pictures, at words of texts, or pick samples; a name; and Measure."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from neurontune_core.cues.cue import Cue
from neurontune_core.errors import InputError
from pages.parts.cue.box_cue import box_cue
from pages.parts.cue.chosen_cue import usable_name
from pages.parts.cue.measuring import measure
from pages.parts.cue.picks_cue import picks_cue
from pages.parts.cue.sample_to_point_in import sample_to_point_in
from pages.parts.cue.words_cue import words_cue
from pages.parts.frame.mask_edits import SHOW_CUE
from pages.parts.frame.view import View
from pages.parts.frame.words import plain
from pages.parts.samples.point_at import PICK, POINT, WAY, can_point

OF_A_CUE = ("cue-name", "cue-words", "cue-boxes", "picks-")  # what the session keeps of a cue that is not made yet
STEPS = (
    "1. **Point** at what you think the classifier looks at, and press Measure.\n"
    "2. **Proof**: it is put into other samples. How many predictions change with it, how many with something else?\n"
    "3. **Mask** the neurons that respond to it, retrain, and export."
)


@st.fragment
def new_cue(view: View) -> None:
    """Show the way of pointing that fits the samples, a name, and the button that measures the cue."""
    left, right = st.columns([5, 6], gap="large")
    gallery = view.gallery
    with left:
        way = POINT if can_point(view) else PICK
        if way == POINT:
            st.session_state.setdefault(WAY, POINT)
            ways = {"label": "How", "label_visibility": "collapsed", "key": WAY}
            way = st.segmented_control(options=[POINT, PICK], required=True, **ways)
        place = st.container()
    with right:
        st.markdown(STEPS)
        st.caption(
            "This uses what you know; NeuronTune as in the paper does not. Its results say “with your knowledge”."
        )
        split, row = sample_to_point_in(view) if way == POINT else ("", 0)
    with place:
        if way == PICK:
            if gallery.model_note:
                st.caption(f"{gallery.model_note} So samples are compared instead of edited.")
            make, suggestion = picks_cue(view)
        else:
            make, suggestion = (box_cue if gallery.has_images else words_cue)(view, split, row)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                "Name", suggestion, max_chars=60, placeholder="such as tag", key=f"cue-name-{suggestion}"
            )
            pressed = st.button("Measure", type="primary", key="measure", icon=":material/labs:", disabled=make is None)
        if make is None and way == POINT:
            st.caption("Draw a box first." if gallery.has_images else "Choose words first.")
        if pressed and make is not None:
            _save_and_measure(view, make, usable_name(name) or view.diagnosis.project.cues.free_name("cue"))


def _save_and_measure(view: View, make: Callable[[str], Cue], name: str) -> None:
    try:
        cue = make(name)
    except InputError as error:
        st.error(plain(str(error)))
        return
    measure(view, cue)
    st.session_state[SHOW_CUE] = cue.name
    for key in [key for key in st.session_state if str(key).startswith(OF_A_CUE)]:
        del st.session_state[key]
    st.rerun()
