"""Point: mark what the classifier looks at, see it proven, and mask the neurons that respond to it."""

import streamlit as st

from pages.parts.cue.chosen_cue import CUE, choose_cue
from pages.parts.cue.cue_mask import mask_of_cue
from pages.parts.cue.measuring import measuring
from pages.parts.cue.new_cue import new_cue
from pages.parts.cue.proof import show_proof
from pages.parts.cue.shown_cue import shown_cue
from pages.parts.frame.strip import headline
from pages.parts.frame.url_state import write_to_url
from pages.parts.frame.view import current_view

view = current_view()
st.title("Point at what it looks at")
strip = st.container()
cue = choose_cue(view)
write_to_url([CUE])
if cue is None:
    new_cue(view)  # first, as there is nothing to mask yet
    headline(view)
else:
    with strip:
        headline(view)
    left, right = st.columns([5, 6], gap="large")
    measured = view.diagnosis.measured_cue(cue.name)
    with left:
        shown_cue(view, cue)
        if measured is not None:
            mask_of_cue(view, measured)
    with right:
        if measured is None:
            measuring(view, cue)
        else:
            show_proof(view, measured)
