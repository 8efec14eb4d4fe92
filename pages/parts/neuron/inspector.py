"""One neuron: the samples on which it fires most, its distributions, then its scores and their confidence."""

from __future__ import annotations

import streamlit as st

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.distributions import outcome_distributions
from neurontune_core.identification.confidence import Confidence
from pages.parts.frame.prefetch import prepare
from pages.parts.frame.view import View
from pages.parts.frame.words import plain
from pages.parts.neuron.score_table import EXPLAINED, MOST, listed_classes, score_table
from pages.parts.neuron.top_samples import top_samples


def inspector(view: View, neuron: int, confidence: Confidence | None) -> None:
    """Show everything about a neuron, and prefetch the next ones."""
    diagnosis, label = view.diagnosis, view.shown_class(neuron)
    top_samples(view, neuron, label)
    classes = listed_classes(view, neuron)
    titles = [diagnosis.identification.class_names[listed] for listed in classes]
    distributions = list(zip(titles, diagnosis.distributions(neuron, classes), strict=True))
    figure = outcome_distributions(distributions, classes.index(label))
    st.plotly_chart(figure, key="distribution", config=NO_MODE_BAR)
    with st.container(key="scores", gap="xsmall"):
        st.markdown(score_table(view, neuron, confidence))
        caption = "Score: median on misclassified minus median on correct samples (the lines above)."
        if (num_classes := diagnosis.erm.num_classes) > MOST:
            caption += f" {MOST} of {num_classes:,} classes, by score."
        st.caption(caption, help=_explained(view, neuron))
    if diagnosis.zero_share[neuron] == 1:
        st.info("This neuron is 0 on every sample, so its score is 0 and masking it changes nothing.")
    prepare(view.name, diagnosis, view.ranking, neuron, view.label if view.ranking.label is None else label)


def _explained(view: View, neuron: int) -> str:
    """Return the terms of the table, the largest weights of all classes, and how often the neuron is silent."""
    weights = ", ".join(f"{plain(name)} {weight:+.2f}" for name, weight in view.diagnosis.logit_contributions(neuron))
    silent = f"Silent on {view.diagnosis.zero_share[neuron]:.0%} of the samples."
    return f"{EXPLAINED} Largest weights: {weights}. {silent}"
