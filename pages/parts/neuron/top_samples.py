"""The samples on which a neuron fires most: one of them closely, then correct and misclassified ones side by side."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame.url_state import in_url
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, plain
from pages.parts.samples.close_up import sample_content
from pages.parts.samples.point_at import point_button
from pages.parts.samples.wall import wall

TOP = 120
LINE, MOST_LINES = 26, 7  # characters of a line; lines of a card
COLORS = ("inferno", "viridis", "gray")


def top_samples(view: View, neuron: int, label: int) -> None:
    """Show closely what is opened on either wall, else the strongest misclassified sample; then both walls."""
    diagnosis, gallery = view.diagnosis, view.gallery
    split, names = diagnosis.project.content["roles"]["identification"], diagnosis.identification.class_names
    activation = diagnosis.activations(neuron)  # listed by magnitude, shown with its sign
    closely, walls, below = st.container(), st.container(), st.container()
    strongest: list[int] = []
    colors = COLORS[0]
    if gallery.has_images:
        colors = below.segmented_control("Heatmap colors", COLORS, default=COLORS[0], required=True, **in_url("colors"))
    # As many lines as a text of the usual length needs in half of this column.
    lines = min(max(2, gallery.usual_length(split) // LINE + 1), MOST_LINES) if gallery.has_texts else 0
    for correct, column in zip((True, False), walls.columns(2), strict=True):
        with column:
            outcome = "correct" if correct else "misclassified"
            rows = diagnosis.most_activating(neuron, label=label, correct=correct, limit=TOP).tolist()
            strongest = rows[:1] or strongest
            captions = [f"{_signed(activation[row])} · {names[diagnosis.predictions[row]]}" for row in rows]
            opened = wall(
                view, split, rows, captions, f"wall-{outcome}", f"Most activating, {outcome}", title=True,
                neuron=neuron, colors=colors, side=84, lines=lines, height=300, several=False,
                empty=f"This class has no {outcome} sample.",
            ).opened  # fmt: skip
            if opened != st.session_state.get(f"opened-{outcome}"):  # on this side, just now
                st.session_state[f"opened-{outcome}"] = st.session_state["sample"] = opened
    if gallery.has_texts:
        with walls:
            _distinctive_words(view, neuron)
    walls.caption(_caption(view, split, names[label]))
    opened = st.session_state.get("sample")
    shown = strongest if opened is None or opened >= diagnosis.identification.num_samples else [opened]
    with closely:
        for row in shown:
            _closely(view, split, row, neuron, colors)


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _caption(view: View, split: str, name: str) -> str:
    reason = ""
    if view.label is None and view.diagnosis.erm.num_classes > 1:
        reason = "its score is highest there" if view.ranking.label is None else "its scores rank the neurons"
        reason = f"; {reason}, the sidebar has the other classes"
    hint = ""
    if view.gallery.has_images:
        hint = " Bright: where the neuron fires, by its sign. Click an image, or press Enter, to enlarge it."
    elif view.gallery.has_texts:
        hint = (
            " Orange words raise the activation, blue ones lower it. Click a text, or press Enter, to read all of it."
        )
    of_class = f'Class "{plain(name)}" of split "{plain(split)}"{reason}.'
    return f"{of_class} Under each sample: activation and prediction.{hint}"


def _closely(view: View, split: str, row: int, neuron: int, colors: str) -> None:
    """Show one sample: label, prediction, group, and the logit contribution of this neuron."""
    diagnosis = view.diagnosis
    samples, names = diagnosis.identification, diagnosis.identification.class_names
    activation = float(diagnosis.activations(neuron)[row])
    st.markdown(f"**Sample {plain(str(samples.sample_ids[row]))}**")
    sample_content(view, split, row, "close-up", neuron, colors)
    point_button(view, split, row, "close-up")
    group = "" if samples.groups is None else f" · group **{plain(samples.group_names[samples.groups[row]])}**"
    prediction = names[diagnosis.predictions[row]]
    contributions = ", ".join(
        f"{plain(name)} {part:+.2f}" for name, part in diagnosis.logit_contributions(neuron, activation)
    )
    st.caption(
        f"Label **{plain(names[samples.labels[row]])}**, predicted **{plain(prediction)}**{group}. "
        f"Activation {activation:.3f}; logit contribution of this neuron: {contributions}."
    )


def _distinctive_words(view: View, neuron: int) -> None:
    """Show words that are over-represented where the neuron fires most."""
    result = view.diagnosis.distinctive_words(neuron, view.gallery.texts)
    if result:
        words = ", ".join(f"`{word.word.replace('`', '')}` ({word.count_top})" for word in result)
        st.markdown(f"**Words of its strongest samples:** {words}", help=HELP["words"])
