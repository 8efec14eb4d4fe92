"""Theory lab: the paper's claims on its own synthetic data, with sliders; it needs no project."""

from __future__ import annotations

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.theory import CLAIMS, report, report_lemmas
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import plain
from pages.parts.results.synthetic_experiment import experiment
from pages.parts.results.theory_lab import (
    choose,
    data_model,
    network_sliders,
    retraining_sliders,
    show_answer,
    sliders,
)

SIGNED, ABSOLUTE = "signed, as in the theorem", "absolute, as in the method"
UNCHANGED, RETRAINED = "unchanged", "retrained"
ANY, PREMISE = "any", "as Theorem 4.3 assumes"


def lemma() -> None:
    """Show Lemma 1 on the data model of the sliders."""
    show_answer(report.lemma(sliders(st.columns([4, 4, 4, 7], gap="medium", vertical_alignment="bottom"))))


def majority() -> None:
    """Show Lemma 2 on the data model of the sliders."""
    show_answer(report_lemmas.majority(sliders(st.columns([4, 4, 4, 7], gap="medium", vertical_alignment="bottom"))))


def principle() -> None:
    """Show Proposition 4.1 on a random network."""
    show_answer(report_lemmas.principle(*network_sliders()))


def scores() -> None:
    """Show Theorem 4.2 on a random network."""
    model, neurons, seed = network_sliders()
    kind = choose("Score", (SIGNED, ABSOLUTE), "score_kind")
    show_answer(report.scores(model, neurons, seed, kind == ABSOLUTE))


def removal() -> None:
    """Show what removing the selected neurons of a random network does."""
    model, neurons, seed = network_sliders()
    with st.container(horizontal=True, gap="large"):
        last = choose("Last layer", (UNCHANGED, RETRAINED), "last_layer")
        kind = choose("Neurons", (ANY, PREMISE), "premise")
    show_answer(report.removal(model, neurons, seed, last == RETRAINED, kind == PREMISE))


def retraining() -> None:
    """Show Lemma 3 and Eq. 51: retraining on data of another agreement, or with other weights of the samples."""
    columns = st.columns([4, 4, 4, 4, 4], gap="medium", vertical_alignment="bottom")
    model, (agreement, weight) = sliders(columns[:3]), retraining_sliders(columns[3:])
    show_answer(report_lemmas.retraining(model, agreement, weight))


VIEWS = {
    "lemma": lemma,
    "majority": majority,
    "principle": principle,
    "scores": scores,
    "removal": removal,
    "retraining": retraining,
    "synthetic": experiment,
}
st.title("Theory lab")
st.markdown(
    "The paper's theory uses synthetic data: every sample has a **core** feature that determines its class, and a "
    "**shortcut** that usually agrees with it, as water does with waterbirds. Move the sliders to see what each claim "
    "states and where it stops holding."
)
claim = st.segmented_control(
    "Claim", list(CLAIMS), default="lemma", required=True, format_func=lambda key: CLAIMS[key].name,
    label_visibility="collapsed", **in_url("claim"),
)  # fmt: skip
st.subheader(CLAIMS[claim].title)
try:
    VIEWS[claim]()
except InputError as error:
    st.info(plain(str(error)))
data_model()
