"""Neurons: all of them ranked, the mask's effect over λ, and the chosen neuron beside them."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.neurons import mask_effect, ranked_scores
from neurontune_core.identification.ranking import CUE, RESPONSE
from pages.parts.frame.strip import headline
from pages.parts.frame.view import current_view
from pages.parts.frame.warn import warn
from pages.parts.frame.words import plain
from pages.parts.neuron.class_sheet import class_sheet
from pages.parts.neuron.inspector import inspector
from pages.parts.neuron.mask_agreement import agreement_of_halves
from pages.parts.neuron.neuron_box import neuron_box
from pages.parts.neuron.neuron_list import count_masked, neuron_list
from pages.parts.neuron.neuron_order import choose_order, go_to_place, remember
from pages.parts.neuron.stepping import stepper
from pages.parts.neuron.verdict_buttons import verdict_buttons

view = current_view()
diagnosis = view.diagnosis
confidence = diagnosis.confidence(wait=0.3)


@st.fragment
def chosen_neuron(ranked: DeltaGenerator) -> None:
    """Show the inspector; a step to the next neuron runs this alone, and marks its place in the ranking."""
    if st.session_state.pop("mask_edited", False):
        st.rerun()
    heading, number, steps = st.columns([5, 5, 5], vertical_alignment="center")
    ranking = view.ranking
    remember(ranking)
    neuron, count = neuron_box(ranking, number, label="collapsed"), len(ranking)
    rank = ranking.rank(neuron)
    with steps:
        names = "Previous in the ranking", "Next in the ranking"
        stepper("stepper", rank - 1, count, go_to_place, names, ranking.key)
    with heading.container(gap=None):
        st.markdown(f"#### Neuron {neuron}")
        few = " · too few misclassified" if ranking.few[neuron] else ""
        st.caption(f"{'masked' if view.masked[neuron] else 'not masked'} · rank {rank} of {count}{few}")
    moved = {RESPONSE: diagnosis.attribute, CUE: ranking.cue}.get(ranking.order, "")
    unit = f"moved by {moved}, SD" if moved else ""
    figure = ranked_scores(ranking, view.threshold, neuron, unit)
    ranked.plotly_chart(figure, key="ranking", config=NO_MODE_BAR)
    verdict_buttons(view, neuron)
    inspector(view, neuron, diagnosis.confidence())


def effect_of_the_mask() -> None:
    """Draw the accuracy of the trained head with the mask over every λ, or over every effect of the masked cue."""
    scores, cue = diagnosis.mask_scores(view.stability), diagnosis.cue_mask()
    always, never = (diagnosis.judged(verdict) for verdict in ("spurious", "core"))
    curve = view.split.curve(scores, view.mask_value, always=always, never=never, cue=cue)
    if cue is not None and cue.source == "cue":
        threshold, largest, axis = cue.threshold, cue.largest, f"effect of the {cue.name}, SD"
    else:
        threshold, largest, axis = view.threshold, float(diagnosis.scores.neuron_scores.max()), "λ"
    figure = mask_effect(curve, threshold, max(largest, 1e-3), axis)
    st.plotly_chart(figure, key="effect", config=NO_MODE_BAR)
    st.caption(
        f'Accuracy of the trained head with the mask alone, on "{plain(view.split.name)}", for every {plain(axis)}. On '
        "the far right, nothing is masked."
    )


st.title("Neurons")
headline(view)
warn(diagnosis.scores.warnings)
if not (diagnosis.scores.neuron_scores > 0).any():
    st.info(
        "No neuron fires harder on misclassified than on correct samples, so the scores mask none. Label neurons "
        "manually, or identify on a split with misclassified samples in every class."
    )
left, right = st.columns([5, 6], gap="large")
with left:
    heading, ranked = st.container(), st.empty()
with right:
    chosen_neuron(ranked)
with heading:
    count_masked(view, confidence)
    agreement_of_halves(view)
    choose_order(view, confidence)
with left:
    effect_of_the_mask()
    neuron_list(view, confidence)
class_sheet(view)
