"""Boxes over a cue in one or several pictures."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from neurontune_core.cues.cue import Box, Cue, Pointed
from neurontune_core.session.cue_work import make_box_cue
from pages.parts.cue.pointer import Drawn, pointer
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

JITTER = 0.1  # of place and size, where a person lets them vary


def box_cue(view: View, split: str, row: int) -> tuple[Callable[[str], Cue] | None, str]:
    """Show a picture to point in; return what makes the cue of all boxes, and a name to start from."""
    boxes: dict[tuple[str, int], Drawn] = st.session_state.setdefault(f"cue-boxes-{view.name}", {})
    drawn = pointer(view, split, row, boxes.pop((split, row), None), f"Sample {_name(view, split, row)}")
    if drawn is not None:
        boxes[split, row] = drawn
    if len(boxes) > 1:
        others = ", ".join(plain(_name(view, *at)) for at in boxes)
        st.caption(f"**{len(boxes)} pictures** are pointed at: {others}. Their cut-outs take turns.")
    jitter = JITTER if st.toggle("Vary place and size a little", key="cue-jitter") else 0.0
    if not boxes:
        return None, ""

    def make(name: str) -> Cue:
        pointed = [Pointed(at[0], _name(view, *at), Box(*box)) for at, box in boxes.items()]
        return make_box_cue(view.diagnosis, view.gallery, name, pointed, jitter=jitter)

    return make, ""


def _name(view: View, split: str, row: int) -> str:
    return str(view.diagnosis.samples(split).sample_ids[row])
