"""The synthetic experiment of Section 5.3 in the Theory lab: data, neurons, accuracy by group, and many seeds."""

from __future__ import annotations

import streamlit as st

from neurontune_core.theory.report_synthetic import activations, synthetic, synthetic_summary
from neurontune_core.theory.synthetic import CENTERED as CENTERED_CODING
from neurontune_core.theory.synthetic import CLASSES, PAPER
from pages.parts.frame.url_state import in_url
from pages.parts.results.theory_lab import chart, choose, explanation, seed_input

SEEDS = 20
ZERO_ONE, CENTERED = "0, 1 (paper)", "−1, +1"


def experiment() -> None:
    """Show data and boundary before and after, the three neurons, the groups, and a summary over seeds."""
    seeds, agreements, codings, samples = st.columns([3, 6, 6, 5], gap="medium", vertical_alignment="bottom")
    seed = seed_input(seeds)
    agreement = agreements.slider(
        "Shortcut holds in the identification data", 0.0, 1.0, 0.95, 0.05, help="In the training data it holds in 95 % "
        "of the samples, in the test data in 10 %. The identification data are drawn separately.",
        **in_url("identify_on"),
    )  # fmt: skip
    with codings:
        centered = choose("Spurious neuron at", (ZERO_ONE, CENTERED), "coding") == CENTERED
    coding = CENTERED_CODING if centered else PAPER
    with samples:
        shown = choose("Samples drawn", ("test", "training"), "drawn")
    answer = synthetic(seed, agreement, coding, shown)
    for column, (name, figure) in zip(st.columns(2, gap="large"), answer.figures.items(), strict=True):
        with column:
            chart(figure, f"theory-{name}")
    explanation(answer)
    st.markdown("**Accuracy by group** (y: class, a: shortcut; share of the samples drawn)")
    st.dataframe(answer.rows, hide_index=True, key="theory-groups")
    label = choose("The three neurons on correct and misclassified samples of class", CLASSES, "drawn_class")
    figures = activations(seed, agreement, coding, CLASSES.index(label))
    for column, (name, figure) in zip(st.columns(3), figures.items(), strict=True):
        with column:
            chart(figure, f"theory-{name}")
    st.caption(
        "Absolute activations on the identification data. Lines: medians. A neuron is selected when, in any class, its "
        "median is higher on misclassified than on correct samples."
    )
    if st.toggle(f"Summary over {SEEDS} seeds", **in_url("summary")):
        summary = synthetic_summary(SEEDS, agreement, coding)
        st.dataframe(summary.rows, hide_index=True, key="theory-summary")
        st.caption(summary.note)
