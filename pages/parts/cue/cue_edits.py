"""What the buttons and the slider of a cue's mask write to the journal; each is one step of undo."""

from __future__ import annotations

import streamlit as st

from neurontune_core.workspace.journal import CueSetting
from pages.parts.frame.background_work import RETRAIN_REQUESTED
from pages.parts.frame.view import current_view

EFFECT, BOTH = "cue_effect", "cue_and_score"  # keys of the slider and of the switch


def mask_cue(name: str) -> None:
    """Mask the neurons that a cue moves by more than the slider's effect; a move of the slider joins the one before."""
    source = "both" if st.session_state[BOTH] else "cue"
    setting = CueSetting(name, float(st.session_state[EFFECT]), source)
    shown_at = st.session_state.get("move_shown_at", 0.0)
    current_view().diagnosis.project.journal.mask_cue(setting, shown_at=shown_at)
    st.session_state["move_recorded"] = True


def stop_masking() -> None:
    """Mask by score again."""
    current_view().diagnosis.project.journal.mask_cue(None)


def moved(name: str, masked: bool) -> None:
    """Record that the slider or the switch was moved, where the cue is masked already."""
    if masked:
        mask_cue(name)


def mask_and_retrain(name: str) -> None:
    """Mask a cue as the slider stands, and ask the sidebar for a retraining."""
    mask_cue(name)
    st.session_state[RETRAIN_REQUESTED] = True
