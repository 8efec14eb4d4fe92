"""One neuron: how sure its score is, its hits and mistakes, what excites it, and what it does to the logits."""

from __future__ import annotations

import streamlit as st

from neurontune_core.confidence import VERDICTS, Confidence
from neurontune_core.figures import outcome_distributions
from pages.parts.ahead import prepare
from pages.parts.close_up import picture
from pages.parts.state import View, gallery
from pages.parts.wall import wall
from pages.parts.words import HELP, plain

TOP = 120
LINE, MOST_LINES = 26, 7  # characters of a line; lines of a card
COLOURS = ("inferno", "viridis", "grey")
QUIET = {"displayModeBar": False}


def inspector(here: View, neuron: int, confidence: Confidence | None) -> None:
    diagnosis = here.diagnosis
    names = diagnosis.identification.class_names
    pushes = ", ".join(f"{plain(name)} {weight:+.2f}" for name, weight in diagnosis.pushes(neuron))
    st.caption(
        f"Weight in the head: {pushes}. A positive weight pushes towards the class. "
        f"Silent on {diagnosis.silence[neuron]:.0%} of the samples."
    )
    label = int(diagnosis.strongest_class[neuron]) if here.label is None else here.label
    if diagnosis.silence[neuron] == 1:
        st.info("This neuron is 0 on every sample here: its score is 0, and to mask it changes nothing.")
    distribution = diagnosis.distribution(neuron, label)
    st.markdown(_score_line(here, neuron, label, confidence))
    figure = outcome_distributions(distribution, f"neuron {neuron}, {names[label]}")
    st.plotly_chart(figure, key="distribution", config=QUIET)
    st.caption("Lines: medians. Their distance, incorrect minus correct, is the score.")
    _samples(here, neuron, label)
    prepare(here.name, diagnosis, neuron, label)


def _score_line(here: View, neuron: int, label: int, confidence: Confidence | None) -> str:
    """Score, interval and verdict in words."""
    scores = here.diagnosis.scores
    name = plain(here.diagnosis.identification.class_names[label]) + " (its highest)" * (here.label is None)
    line = f"Score on {name} **{scores.delta[label, neuron]:+.3f}**"
    if not scores.num_incorrect[label]:
        return f"{line} · this class has no mistakes, so it cannot show a bias."
    if confidence is None:
        return f"{line} · how sure it is, is being computed …"
    if not confidence.tested[label]:
        return f"{line} · only {scores.num_incorrect[label]} misclassified: too few to say."
    low, high = (bound[label, neuron] for bound in confidence.all_intervals)
    verdict = VERDICTS[int(confidence.verdicts_by_class(here.threshold)[label, neuron])]
    adjusted = confidence.adjusted[label, neuron]
    p = "p < 0.001" if adjusted < 0.001 else f"p = {adjusted:.3f}"
    return f"{line} [{low:+.3f} to {high:+.3f}] · **{verdict}** · {p} after correction for all neurons"


def _samples(here: View, neuron: int, label: int) -> None:
    diagnosis = here.diagnosis
    split, names = diagnosis.project.content["roles"]["identification"], diagnosis.identification.class_names
    activation = abs(diagnosis.activations(neuron))
    shelf = gallery(here.name)
    colours = "inferno"
    if shelf.has_pictures:
        colours = st.segmented_control(
            "Heatmap colours", COLOURS, default=COLOURS[0], required=True, key="colours", persist_state="session"
        )
    # So many lines as an ordinary text needs in half of this column.
    lines = min(max(2, shelf.usual_length(split) // LINE + 1), MOST_LINES) if shelf.has_texts else 0
    for correct, column in zip((True, False), st.columns(2), strict=True):
        with column:
            outcome = "correct" if correct else "incorrect"
            st.markdown(f"**Most activating, {outcome}**")
            rows = diagnosis.most_activating(neuron, label=label, correct=correct, limit=TOP).tolist()
            captions = [f"{activation[row]:.2f} · {names[diagnosis.predictions[row]]}" for row in rows]
            opened = wall(
                here, split, rows, captions, f"wall-{outcome}", f"Most activating, {outcome}",
                neuron=neuron, colours=colours, side=70, lines=lines, height=384, several=False,
                empty=f"No {outcome} sample of this class.",
            ).opened  # fmt: skip
            if opened != st.session_state.get(f"opened-{outcome}"):  # on this side, just now
                st.session_state[f"opened-{outcome}"] = st.session_state["sample"] = opened
    chosen = st.session_state.get("sample")
    where = " Bright: where it fires. Click a picture, or press Enter on it, to look closer." * shelf.has_pictures
    if shelf.has_texts:
        _words(here, neuron)
        where = " Orange words make it fire harder, blue ones less hard. Click one, or press Enter on it, to read all."
    st.caption(f'Split "{plain(split)}". Under each sample: activation, and what the classifier said.{where}')
    if chosen is not None and chosen < diagnosis.identification.num_samples:
        _details(here, split, chosen, neuron, colours)


def _words(here: View, neuron: int) -> None:
    """Words over-represented where the neuron fires most."""
    found = here.diagnosis.distinctive_words(neuron, gallery(here.name).texts)
    if found:
        words = ", ".join(f"`{word.word.replace('`', '')}` ({word.count_top})" for word in found)
        st.markdown(f"**Words of its strongest samples:** {words}", help=HELP["words"])


def _details(here: View, split: str, row: int, neuron: int, colours: str) -> None:
    """One sample closely: label, prediction, group, and what this neuron adds to each logit."""
    diagnosis = here.diagnosis
    each, names = diagnosis.identification, diagnosis.identification.class_names
    activation = float(diagnosis.activations(neuron)[row])
    st.markdown(f"**Sample {plain(str(each.sample_ids[row]))}**")
    picture(here, split, row, "close-up", neuron, colours)
    group = "" if each.groups is None else f" · group **{plain(each.group_names[each.groups[row]])}**"
    said = diagnosis.predictions[row]
    adds = ", ".join(f"{plain(name)} {part:+.2f}" for name, part in diagnosis.pushes(neuron, activation))
    st.markdown(
        f"It is **{plain(names[each.labels[row]])}**, called **{plain(names[said])}**{group}. "
        f"Activation {activation:.3f}; this neuron adds to the logits: {adds}."
    )
