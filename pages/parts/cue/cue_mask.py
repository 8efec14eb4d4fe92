"""The mask of a cue: how far the cue must move a neuron for it to be masked, and what the mask alone then does."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.cues.cue_mask import DEFAULT_EFFECT, Offer, offer
from neurontune_core.cues.effects import rank_correlation
from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.errors import InputError
from neurontune_core.identification.ranking import CUE as BY_CUE
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.mask import CueMask
from neurontune_core.session.latest_results import LatestResults
from pages.parts.cue.cue_edits import BOTH, EFFECT, mask_and_retrain, mask_cue, moved, stop_masking
from pages.parts.frame.mask_edits import EFFECT_OF
from pages.parts.frame.order import ORDER
from pages.parts.frame.view import View
from pages.parts.frame.words import percent, plain

SCREENS = Path(__file__).parents[2]
_offers: LatestResults[Offer] = LatestResults(32)


def offered_threshold(view: View, measured: CueMeasurement) -> tuple[float, str, bool]:
    """Return the threshold that is offered, the sentence on it, and whether the mask alone helps."""
    diagnosis = view.diagnosis
    spurious, core = diagnosis.judged("spurious"), diagnosis.judged("core")

    def compute() -> Offer:
        return offer(measured, diagnosis.erm, mask_value=view.mask_value, always=spurious, never=core)

    try:
        best = _offers.get((measured, view.mask_value, spurious.tobytes(), core.tobytes()), compute)
    except InputError as error:  # too few samples
        return DEFAULT_EFFECT, str(error), True
    return best.threshold, best.sentence, best.helps


def mask_of_cue(view: View, measured: CueMeasurement) -> None:
    """Show the slider of the effect, what the mask alone does, and the buttons that mask and retrain."""
    journal, name = view.diagnosis.project.journal, measured.cue.name
    setting, (offered, known, helps) = journal.cue_setting(), offered_threshold(view, measured)
    masked = setting is not None and setting.cue == name
    state = st.session_state
    shown = setting.effect if setting is not None and masked else offered
    shown_for = (measured.cue.key, masked)
    if state.get(EFFECT_OF) != shown_for or EFFECT not in state:  # another cue, or just masked or undone
        state[EFFECT_OF] = shown_for
        state[EFFECT], state[BOTH] = shown, bool(setting and masked and setting.source == "both")
    top = max(float(abs(measured.effects).max()), 0.01)
    if state[EFFECT] > top:
        state[EFFECT] = top
    effect = st.slider(
        "Mask neurons that the cue moves by more than, SD", 0.0, top, step=0.01, format="%.2f", key=EFFECT,
        on_change=moved, args=(name, masked),
        help="In standard deviations of the neuron, up or down. At first the threshold that is offered below.",
    )  # fmt: skip
    chosen = CueMask(name, measured.effects, effect, "both" if state.setdefault(BOTH, False) else "cue")
    _preview(view, chosen)
    st.caption(plain(known))
    with st.container(horizontal=True):
        if masked:
            st.button("Retrain with it", key="retrain-cue", type="primary", on_click=mask_and_retrain, args=(name,))
            st.button("Stop masking it", key="unmask-cue", on_click=stop_masking)
        else:
            first, second = ("primary", "secondary") if helps else ("secondary", "primary")
            st.button(
                "Mask the cue", key="mask-cue", type=first, icon=":material/visibility_off:", on_click=mask_cue,
                args=(name,), help="One step: undo (Z) takes it back.",
            )  # fmt: skip
            st.button(
                "Mask the cue and retrain", key="mask-and-retrain", type=second, on_click=mask_and_retrain,
                args=(name,),
            )  # fmt: skip
    if masked:
        st.caption(":material/check_circle: Masked, **with your knowledge**. Undo (Z) takes it back.")
    if view.diagnosis.num_misclassified:  # else there are no scores
        st.toggle(
            "Mask neurons by their score, too", key=BOTH, on_change=moved, args=(name, masked),
            help="Off: only the cue's neurons and those judged spurious are masked. On: also those whose score exceeds "
            "λ.",
        )  # fmt: skip
    _neurons(view, measured, int(chosen.neurons.sum()))


def _preview(view: View, cue: CueMask) -> None:
    """Say what the mask alone would do to the worst group (or class), whether it is set or not."""
    diagnosis = view.diagnosis
    masked = diagnosis.masked_neurons(view.threshold, view.stability, cue=cue)
    before = view.split.erm_evaluation
    after = view.split.evaluate(diagnosis.masked_head(masked, view.mask_value))
    kind = "worst group" if before.worst_group else "worst class"
    was, now = (each.worst_group or each.worst_class for each in (before, after))
    st.markdown(
        f"**{int(masked.sum())} of {len(masked)}** neurons. Mask alone, {kind} on {plain(view.split.name)}: "
        f"{percent(was)} → **{percent(now)}**."
    )
    if now.correct * was.n < was.correct * now.n:
        st.caption(":material/warning: The mask alone does harm here; see what retraining with it does.")


def _neurons(view: View, measured: CueMeasurement, count: int) -> None:
    try:
        correlation = rank_correlation(abs(measured.effects), view.diagnosis.scores.neuron_scores)
    except NoMistakes:
        return
    st.caption(
        f"{count} neurons respond to “{plain(measured.cue.name)}” by more than this. Rank correlation of this response "
        f"with the paper's score: {correlation:+.2f}."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        seen = st.button("See these neurons", key="see-neurons", icon=":material/neurology:", type="tertiary")
        st.page_link(SCREENS / "check.py", label="Check samples", icon=":material/fact_check:")
        st.page_link(SCREENS / "export.py", label="Export", icon=":material/download:")
    if seen:
        st.session_state[ORDER.key] = BY_CUE
        st.switch_page(SCREENS / "neurons.py", query_params={})
