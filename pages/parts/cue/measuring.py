"""The measurement of a cue as background work: one a project, whatever session started it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.cues.cue import Cue
from neurontune_core.session.cue_work import CueWork
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

_latest: dict[Path, CueWork] = {}  # project -> the measurement that was started last

DOING = {
    "box": "Pasting “{name}” into other pictures and asking the classifier …",
    "words": "Editing “{name}” in other texts and asking the classifier …",
    "samples": "Comparing the samples with and without “{name}” …",
}


def measure(view: View, cue: Cue) -> None:
    """Start the measurement of a cue, in place of any other one of the project."""
    source = view.diagnosis.project.source
    if source in _latest:
        _latest[source].stop()
    _latest[source] = CueWork(view.diagnosis, view.gallery, cue)


def measuring(view: View, cue: Cue) -> None:
    """Show how far the measurement of a cue is; where none runs, why not, and a button that starts it."""
    work = _latest.get(view.diagnosis.project.source)
    if work is not None and work.cue.key == cue.key:
        if work.running:
            _progress(work, DOING[cue.kind].format(name=plain(cue.name)))
            return
        if work.error:
            st.error(plain(work.error))
    st.caption("This cue is not measured on the vectors that the project has now.")
    st.button("Measure", key="measure-again", type="primary", on_click=measure, args=(view, cue))


@st.fragment(run_every=0.4)
def _progress(work: CueWork, text: str) -> None:
    work.wait(0.2)
    if not work.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(work.share, text, width="stretch")
        st.button("Cancel", key="cancel-measuring", on_click=work.stop)
    st.caption(
        "Then you see how many predictions it changes in each class, how many something else of the same size changes, "
        "and the samples side by side."
    )
