"""Neurons: all of them ranked by score, the mask's effect over λ, and the chosen one beside them."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.neurons import mask_effect, ranked_scores
from neurontune_core.identification.confidence import LEVEL, SURE
from neurontune_core.identification.scores import chance_share
from neurontune_core.session.neuron_table import listed_neurons, neuron_table
from pages.parts.frame.state import current_view
from pages.parts.frame.strip import headline
from pages.parts.frame.url_state import in_url
from pages.parts.frame.warn import warn
from pages.parts.frame.words import HELP, plain
from pages.parts.neuron.inspector import inspector
from pages.parts.neuron.neuron_box import neuron_box
from pages.parts.neuron.stepping import stepper
from pages.parts.neuron.verdict_buttons import go_to_place, verdict_buttons

FLOATS = ("float32", "float64")
FILTERS = ("all", "masked", "sure", "labeled manually")
view = current_view()
diagnosis, masked = view.diagnosis, view.masked
confidence = diagnosis.confidence(wait=0.3)
ranking = diagnosis.ranking


def listed(which: str):
    return listed_neurons(diagnosis, which, masked, view.threshold, confidence)


def pick() -> None:
    rows = st.session_state["table"]["selection"]["rows"]
    if rows:
        st.session_state["neuron"] = int(listed(st.session_state["filter"])[rows[0]])


@st.fragment(run_every=0.5)
def until_sure() -> None:
    """The scores are painted already; intervals and verdicts follow."""
    if diagnosis.confidence() is not None:
        st.rerun()
    st.caption(":material/hourglass_top: How sure the scores are is being computed …")


@st.fragment
def chosen_neuron(ranked: DeltaGenerator) -> None:
    """The inspector; to step to the next neuron runs this alone, and marks its place in the ranking."""
    if st.session_state.pop("mask_edited", False):
        st.rerun()
    heading, number, steps = st.columns([5, 5, 5], vertical_alignment="center")
    neuron = neuron_box(diagnosis, number, label="collapsed")
    with steps:
        stepper(
            "stepper",
            diagnosis.rank(neuron) - 1,
            len(ranking),
            go_to_place,
            ("Previous in the ranking", "Next in the ranking"),
        )
    state = "masked" if masked[neuron] else "not masked"
    with heading.container(gap=None):
        st.markdown(f"#### Neuron {neuron}")
        st.caption(f"{state} · rank {diagnosis.rank(neuron)} of {len(ranking)}")
    figure = ranked_scores(diagnosis.scores.neuron_scores, view.threshold, neuron)
    ranked.plotly_chart(figure, key="ranking", config=NO_MODE_BAR)
    verdict_buttons(view, neuron)
    inspector(view, neuron, diagnosis.confidence())


st.title("Neurons")
headline(view, masked_now=True)
warn(diagnosis.scores.warnings)
if not (diagnosis.scores.neuron_scores > 0).any():
    st.info(
        "No neuron fires harder on mistakes than on hits, so none is masked by its score. Judge neurons by hand, or "
        "identify on a split with mistakes in every class."
    )
left, right = st.columns([5, 6], gap="large")
with left:
    heading, ranked = st.container(), st.empty()
with right:
    chosen_neuron(ranked)
with heading:
    st.markdown(f"#### {int(masked.sum())} of {len(masked)} masked", help=HELP["score"])
    noise = f"at λ = 0, noise alone would give {chance_share(diagnosis.erm.num_classes):.0%}"
    if confidence is None:
        st.caption(f"{int(diagnosis.scores.biased(view.threshold).sum())} by score; {noise}.")
        until_sure()
    else:
        sure = int((confidence.verdicts(view.threshold) == SURE).sum())
        st.caption(
            f"{int(diagnosis.scores.biased(view.threshold).sum())} by score; {noise}. **{sure}** are biased for sure: "
            f"chance explains at most {LEVEL:.0%} of these.",
            help=HELP["significant"],
        )
with left:
    largest = max(float(diagnosis.scores.neuron_scores.max()), 1e-3)
    always, never = (diagnosis.judged(verdict) for verdict in ("spurious", "core"))
    curve = view.split.curve(diagnosis.scores.neuron_scores, view.mask_value, always=always, never=never)
    effect = mask_effect(curve, view.threshold, largest)
    st.plotly_chart(effect, key="effect", config=NO_MODE_BAR)
    st.caption(
        f'What the mask alone does to the trained head, on "{plain(view.split.name)}", for '
        "every λ. Far right: nothing masked."
    )
    which = st.segmented_control("Show", FILTERS, default=FILTERS[0], required=True, **in_url("filter"))
    table = neuron_table(diagnosis, listed(which), masked, view.threshold, confidence)
    st.dataframe(
        table,
        column_config={
            name: st.column_config.NumberColumn(format="%.0f" if name == "zero, %" else "%.3f")
            for name, column in table.items()
            if getattr(column, "dtype", None) in FLOATS
        },
        height=380,
        hide_index=True,
        key="table",
        on_select=pick,
        selection_mode="single-row",
    )
    st.caption(
        f"Score: {HELP['score']} {diagnosis.scores.num_silent} neurons are silent in most samples and score 0. "
        "Click a row to look at its neuron, a heading to sort, the magnifier to search."
    )
