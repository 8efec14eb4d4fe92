"""How far two halves of the data agree on the mask, and the mask of stable neurons by one click."""

from __future__ import annotations

import streamlit as st

from neurontune_core.identification.agreement import STABLE
from pages.parts.frame.mask_edits import record_move, show_setting
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, plain

_HELP = (
    "The identification split is halved at random, three times, and either half selects neurons by itself. The share "
    "is of the neurons that at least one of them selects. Verdicts do not count."
)


def agreement_of_halves(view: View) -> None:
    """Say how far the masks of two halves agree, and offer the stable neurons where that is hardly more than chance."""
    cue = view.diagnosis.cue_mask()
    if cue is not None and cue.source == "cue":  # no score selects neurons
        return
    halves = view.diagnosis.half_scores()
    if halves is None:
        _until_computed(view)
        return
    agreement = halves.agreement(view.threshold, stable=bool(view.stability))
    split = plain(view.diagnosis.identification.split)
    if agreement is None or not agreement.by_chance:
        st.caption(f"Half of {split} alone selects no neuron: too few misclassified samples to compare two halves.")
        return
    st.caption(
        f"Two halves of {split} agree on **{agreement.shared:.0%}** of these neurons; chance gives "
        f"{agreement.by_chance:.0%}.",
        help=_HELP,
    )
    stable = int((view.diagnosis.mask_scores(STABLE) > view.threshold).sum())
    if view.stability or not agreement.is_noise:
        return
    if not stable:
        st.caption("No neuron is stable: this split has too few misclassified samples to tell neurons from noise.")
        return
    st.button(
        f"Mask only the {stable} stable neurons", key="mask_stable", icon=":material/filter_alt:",
        on_click=_mask_stable, help=f"Much of this mask is noise. {HELP['stable']} The sidebar and Z take it back.",
    )  # fmt: skip


def _mask_stable() -> None:
    show_setting("stability", STABLE)
    record_move("stability")


@st.fragment(run_every=0.5)
def _until_computed(view: View) -> None:
    """Wait for the halves; the scores are painted already."""
    if view.diagnosis.half_scores() is not None:
        st.rerun()
    st.caption(":material/hourglass_top: Comparing two halves of the data …")
