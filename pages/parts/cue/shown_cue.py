"""A cue as it was pointed at: its cut-outs, its words or its picks."""

from __future__ import annotations

import streamlit as st

from neurontune_core.cues.cue import Cue, Picks, Words
from pages.parts.frame.view import View
from pages.parts.frame.words import plain


def shown_cue(view: View, cue: Cue) -> None:
    """Show what a person pointed at."""
    definition = cue.definition
    if isinstance(definition, Words):
        words = ", ".join(f"“{plain(phrase)}”" for phrase in definition.phrases)
        if definition.pattern:
            words += f"{' or ' if words else ''}the pattern `{definition.pattern.replace('`', '')}`"
        st.markdown(f"**{plain(cue.name)}**: {words}")
    elif isinstance(definition, Picks):
        rest = f"{len(definition.has_not):,} without" if definition.has_not else "the rest of their classes without"
        named = f" Group labels read: {plain(', '.join(definition.groups))}." if definition.groups else ""
        count = f"{len(definition.has):,} samples of {plain(definition.split)} with it"
        st.markdown(f"**{plain(cue.name)}**: {count}, {rest}.{named}")
    else:
        cutouts = view.diagnosis.project.cues.cutouts(cue.name)
        with st.container(horizontal=True, vertical_alignment="center"):
            for cutout in cutouts:
                st.image(cutout, width=96)
            of = ", ".join(plain(pointed.sample) for pointed in definition)
            st.markdown(f"**{plain(cue.name)}**, cut out of {of}")
