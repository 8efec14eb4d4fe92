"""One neuron: how sure its score is, its hits and mistakes, what excites it, and what it does to the logits."""

from __future__ import annotations

import streamlit as st

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.distributions import outcome_distributions
from neurontune_core.identification.confidence import Confidence
from pages.parts.frame.prefetch import prepare
from pages.parts.frame.state import View
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import HELP, plain
from pages.parts.neuron.score_table import EXPLAINED, MOST, listed_classes, score_table, strongest_class
from pages.parts.samples.close_up import picture
from pages.parts.samples.wall import wall

TOP = 120
LINE, MOST_LINES = 26, 7  # characters of a line; lines of a card
COLOURS = ("inferno", "viridis", "grey")


def inspector(view: View, neuron: int, confidence: Confidence | None) -> None:
    diagnosis = view.diagnosis
    label = strongest_class(view, neuron)
    with st.container(key="scores", gap="xsmall"):
        st.markdown(score_table(view, neuron, confidence))
        said = "Score: median on mistakes minus median on hits, the lines below."
        if (num_classes := diagnosis.erm.num_classes) > MOST:
            said += f" Of {num_classes:,} classes the {MOST} where it is highest."
        st.caption(said, help=_explained(view, neuron))
    if diagnosis.zero_share[neuron] == 1:
        st.info("This neuron is 0 on every sample here: its score is 0, and to mask it changes nothing.")
    classes = listed_classes(view, neuron)
    titles = [diagnosis.identification.class_names[each] for each in classes]
    drawn = list(zip(titles, diagnosis.distributions(neuron, classes), strict=True))
    st.plotly_chart(outcome_distributions(drawn, classes.index(label)), key="distribution", config=NO_MODE_BAR)
    _samples(view, neuron, label)
    prepare(view.name, diagnosis, neuron, label)


def _explained(view: View, neuron: int) -> str:
    """The table's terms; the largest weights, as there may be more classes than lines; how often it is silent."""
    pushes = ", ".join(f"{plain(name)} {weight:+.2f}" for name, weight in view.diagnosis.logit_contributions(neuron))
    silent = f"Silent on {view.diagnosis.zero_share[neuron]:.0%} of the samples."
    return f"{EXPLAINED} Largest here: {pushes}. {silent}"


def _samples(view: View, neuron: int, label: int) -> None:
    diagnosis = view.diagnosis
    split, names = diagnosis.project.content["roles"]["identification"], diagnosis.identification.class_names
    activation = abs(diagnosis.activations(neuron))
    gallery = view.gallery
    walls, below = st.container(), st.container()
    colours = COLOURS[0]
    if gallery.has_pictures:
        colours = below.segmented_control(
            "Heatmap colours", COLOURS, default=COLOURS[0], required=True, **in_url("colours")
        )
    # So many lines as an ordinary text needs in half of this column.
    lines = min(max(2, gallery.usual_length(split) // LINE + 1), MOST_LINES) if gallery.has_texts else 0
    for correct, column in zip((True, False), walls.columns(2), strict=True):
        with column:
            outcome = "correct" if correct else "incorrect"
            rows = diagnosis.most_activating(neuron, label=label, correct=correct, limit=TOP).tolist()
            captions = [f"{activation[row]:.2f} · {names[diagnosis.predictions[row]]}" for row in rows]
            opened = wall(
                view, split, rows, captions, f"wall-{outcome}", f"Most activating, {outcome}", title=True,
                neuron=neuron, colours=colours, side=62, lines=lines, height=384, several=False,
                empty=f"No {outcome} sample of this class.",
            ).opened  # fmt: skip
            if opened != st.session_state.get(f"opened-{outcome}"):  # on this side, just now
                st.session_state[f"opened-{outcome}"] = st.session_state["sample"] = opened
    chosen = st.session_state.get("sample")
    where = " Bright: where it fires. Click a picture, or press Enter on it, to look closer." * gallery.has_pictures
    if gallery.has_texts:
        with walls:
            _words(view, neuron)
        where = " Orange words make it fire harder, blue ones less hard. Click one, or press Enter on it, to read all."
    of = f'Class "{plain(names[label])}" of split "{plain(split)}"'
    if view.label is None and len(names) > 1:
        of += ", where it scores highest; the sidebar has the others"
    walls.caption(f"{of}. Under each sample: activation, and what the classifier said.{where}")
    if chosen is not None and chosen < diagnosis.identification.num_samples:
        _details(view, split, chosen, neuron, colours)


def _words(view: View, neuron: int) -> None:
    """Words over-represented where the neuron fires most."""
    found = view.diagnosis.distinctive_words(neuron, view.gallery.texts)
    if found:
        words = ", ".join(f"`{word.word.replace('`', '')}` ({word.count_top})" for word in found)
        st.markdown(f"**Words of its strongest samples:** {words}", help=HELP["words"])


def _details(view: View, split: str, row: int, neuron: int, colours: str) -> None:
    """One sample closely: label, prediction, group, and what this neuron adds to each logit."""
    diagnosis = view.diagnosis
    each, names = diagnosis.identification, diagnosis.identification.class_names
    activation = float(diagnosis.activations(neuron)[row])
    st.markdown(f"**Sample {plain(str(each.sample_ids[row]))}**")
    picture(view, split, row, "close-up", neuron, colours)
    group = "" if each.groups is None else f" · group **{plain(each.group_names[each.groups[row]])}**"
    said = diagnosis.predictions[row]
    adds = ", ".join(f"{plain(name)} {part:+.2f}" for name, part in diagnosis.logit_contributions(neuron, activation))
    st.markdown(
        f"It is **{plain(names[each.labels[row]])}**, called **{plain(names[said])}**{group}. "
        f"Activation {activation:.3f}; this neuron adds to the logits: {adds}."
    )
