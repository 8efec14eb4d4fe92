"""Theory lab: the paper's claims on its own toy data, with the knobs in the reader's hand. It needs no project."""

from __future__ import annotations

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.theory import CLAIMS, DataModel, report
from neurontune_core.theory.answers import Answer
from neurontune_core.theory.neuron_scores import MOST_NEURONS
from neurontune_core.theory.report_synthetic import activations, synthetic, synthetic_summary
from neurontune_core.theory.synthetic import CLASSES
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import plain
from pages.parts.results.theory_lab import LEAST_NEURONS, chart, data_model, explained, seed_input

SIGNED, ABSOLUTE = "signed, as in the theorem", "absolute, as in the method"
AS_IT_WAS, AGAIN = "as it was", "retrained"


def knobs(*, network: bool) -> tuple[DataModel, int, int]:
    """Sliders of the data model and, where a network is drawn at random, its size and seed."""
    columns = st.columns([4, 4, 4, 4, 3] if network else [4, 4, 4, 7], gap="medium", vertical_alignment="bottom")
    p = columns[0].slider(
        "p, shortcut agrees", 0.5, 1.0, 0.95, 0.01, help="In which share of the samples the shortcut says the same as "
        "the right answer. 0.5: it says nothing.", **in_url("p"),
    )  # fmt: skip
    core = columns[1].slider(
        "η_core, core noise", 0.1, 3.0, 1.0, 0.05, help="Standard deviation of what separates the core feature from "
        "the answer. Real features are noisy.", **in_url("eta_core"),
    )  # fmt: skip
    spurious = columns[2].slider(
        "η_spu, shortcut noise", 0.05, 3.0, 0.1, 0.05, help="Standard deviation of the shortcut's noise. A small one "
        "makes the shortcut easy to see.", **in_url("eta_spu"),
    )  # fmt: skip
    if not network:
        return DataModel(p, core, spurious), LEAST_NEURONS, 0
    neurons = columns[3].slider(
        "M, neurons", LEAST_NEURONS, MOST_NEURONS, 100, 10, help="Width of the random network; "
        "with at least as many neurons as inputs it can learn the best linear function.", **in_url("width"),
    )  # fmt: skip
    return DataModel(p, core, spurious), neurons, seed_input(columns[4])


def choice(label: str, options: tuple[str, str], key: str) -> str:
    return st.segmented_control(label, options, default=options[0], required=True, **in_url(key))


def lemma() -> None:
    side_by_side(report.lemma(knobs(network=False)[0]))


def scores() -> None:
    model, neurons, seed = knobs(network=True)
    kind = choice("Score", (SIGNED, ABSOLUTE), "score_kind")
    side_by_side(report.scores(model, neurons, seed, kind == ABSOLUTE))


def removal() -> None:
    model, neurons, seed = knobs(network=True)
    last = choice("Last layer", (AS_IT_WAS, AGAIN), "last_layer")
    side_by_side(report.removal(model, neurons, seed, last == AGAIN))


def side_by_side(found: Answer) -> None:
    """The figure, and beside it the words and the table."""
    left, right = st.columns([5, 4], gap="large")
    with left:
        for name, drawn in found.figures.items():
            chart(drawn, f"theory-{name}")
    with right:
        explained(found)
        st.dataframe(found.rows, hide_index=True, key=f"theory-{found.key}")


def experiment() -> None:
    """Data and boundary before and after, the three neurons, the groups, and many seeds."""
    one, two, three = st.columns([3, 6, 5], gap="medium", vertical_alignment="bottom")
    seed = seed_input(one)
    agreement = two.slider(
        "Shortcut holds in the identification data", 0.0, 1.0, 0.5, 0.05, help="In training it holds in 95 % of the "
        "samples, in test in 10 %. Neurons are scored on data of their own.", **in_url("identify_on"),
    )  # fmt: skip
    with three:
        drawn = choice("Samples drawn", ("test", "training"), "drawn")
    found = synthetic(seed, agreement, drawn)
    left, right = st.columns(2, gap="large")
    for column, name in zip((left, right), found.figures, strict=True):
        with column:
            chart(found.figures[name], f"theory-{name}")
    explained(found)
    st.markdown("**Accuracy by group**, y the class and a what the shortcut says")
    st.dataframe(found.rows, hide_index=True, key="theory-groups")
    label = choice("The three neurons on hits and mistakes of class", (CLASSES[1], CLASSES[0]), "drawn_class")
    drawings = activations(seed, agreement, CLASSES.index(label))
    for column, name in zip(st.columns(3), drawings, strict=True):
        with column:
            chart(drawings[name], f"theory-{name}")
    st.caption(
        "On the identification data, without the sign of the activation. Lines: medians. A neuron is selected when its "
        "median is higher on the mistakes than on the hits of any class."
    )
    if st.toggle("Summary over 20 seeds", **in_url("summary")):
        summary = synthetic_summary(20, agreement)
        st.dataframe(summary.rows, hide_index=True, key="theory-summary")
        st.caption(summary.note)


st.title("Theory lab")
st.markdown(
    "The paper argues in a toy world: every sample has a **core** feature that decides the answer, and a **shortcut** "
    "that usually agrees with it, as water does with waterbirds. Turn the knobs of that world, and see what each claim "
    "says and where it stops holding."
)
claim = st.segmented_control(
    "Claim", list(CLAIMS), default="lemma", required=True, format_func=lambda key: CLAIMS[key].name,
    label_visibility="collapsed", **in_url("claim"),
)  # fmt: skip
st.subheader(CLAIMS[claim].title)
try:
    {"lemma": lemma, "scores": scores, "removal": removal, "synthetic": experiment}[claim]()
except InputError as error:
    st.info(plain(str(error)))
data_model()
