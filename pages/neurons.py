"""Neurons: all of them ranked by score; the chosen one's hits and mistakes, and what it looks at."""

import streamlit as st

from neurontune_core.figures import outcome_distributions, ranked_scores
from pages.parts.state import View, view
from pages.parts.strip import headline
from pages.parts.wall import wall
from pages.parts.words import HELP

TOP = 8
JUDGEMENTS = {"by score": None, "always mask": "spurious", "never mask": "core"}


def step(by: int) -> None:
    """Next or previous in the ranking."""
    st.session_state["neuron"] = view().diagnosis.neighbour(st.session_state["neuron"], by)


def pick() -> None:
    rows = st.session_state["table"]["selection"]["rows"]
    if rows:
        st.session_state["neuron"] = int(view().diagnosis.ranking[rows[0]])


def judge(neuron: int) -> None:
    view().diagnosis.project.set_verdict(neuron, JUDGEMENTS[st.session_state[f"judge-{neuron}"]])


def inspector(here: View, neuron: int) -> None:
    diagnosis = here.diagnosis
    names, weight = diagnosis.identification.class_names, diagnosis.erm.weight[:, neuron]
    current = diagnosis.project.verdicts().get(neuron)
    options = list(JUDGEMENTS)
    default = next((label for label, verdict in JUDGEMENTS.items() if verdict == current), options[0])
    st.segmented_control(
        "Mask this neuron", options, default=default, required=True, key=f"judge-{neuron}", on_change=judge,
        args=(neuron,), help="Your verdict goes before the score, here and in retraining.",
    )  # fmt: skip
    pushes = ", ".join(f"{name} {push:+.2f}" for name, push in zip(names, weight, strict=True))
    st.caption(f"Weight in the head, by class: {pushes}. A positive weight pushes towards the class.")
    label = names.index(st.segmented_control(
        "Class", names, default=names[0], required=True, key="class", bind="query-params", persist_state="session"
    ))  # fmt: skip
    distribution = diagnosis.distribution(neuron, label)
    title = f"score {diagnosis.scores.delta[label, neuron]:+.3f} on {names[label]}"
    st.plotly_chart(outcome_distributions(distribution, title), key="distribution", config={"displayModeBar": False})
    st.caption("Lines: medians. Their distance, incorrect minus correct, is the score.")
    split = diagnosis.project.content["roles"]["identification"]
    activation = abs(diagnosis.activations(neuron))
    for correct, column in zip((True, False), st.columns(2), strict=True):
        with column:
            st.markdown(f"**Most activating, {'correct' if correct else 'incorrect'}**")
            rows = diagnosis.most_activating(neuron, label=label, correct=correct, limit=TOP)
            captions = [f"{activation[row]:.2f} · {names[diagnosis.predictions[row]]}" for row in rows]
            wall(here, split, rows.tolist(), captions, f"wall-{correct}", neuron)
    st.caption(
        f'Split "{split}". Under each picture: activation, and what the classifier said. Bright: where it fires.'
    )


here = view()
ranking = here.diagnosis.ranking
st.session_state.setdefault("neuron", int(ranking[0]))
if not 0 <= st.session_state["neuron"] < len(ranking):
    st.session_state["neuron"] = int(ranking[0])
st.title("Neurons")
headline(here, masked_now=True)
for sentence in here.diagnosis.scores.warnings:
    st.warning(sentence)
left, right = st.columns([5, 6], gap="large")
with right:
    heading, number, back, forward = st.columns([3, 2, 1, 1], vertical_alignment="bottom")
    neuron = number.number_input(
        "Neuron", 0, len(ranking) - 1, key="neuron", bind="query-params", persist_state="session"
    )
    back.button("", icon=":material/chevron_left:", on_click=step, args=(-1,), help="Higher score", key="back")
    forward.button("", icon=":material/chevron_right:", on_click=step, args=(1,), help="Lower score", key="forward")
    state = "masked" if here.masked[neuron] else "not masked"
    place = here.diagnosis.rank(neuron)
    heading.markdown(f"#### Neuron {neuron}\n{state} · rank {place} of {len(ranking)}")
    inspector(here, int(neuron))
with left:
    masked = here.masked
    st.markdown(f"#### {int(masked.sum())} of {len(masked)} masked", help=HELP["score"])
    figure = ranked_scores(here.diagnosis.scores.neuron_scores, here.threshold, int(neuron))
    st.plotly_chart(figure, key="ranking", config={"displayModeBar": False})
    table = here.diagnosis.table(masked)
    st.dataframe(table, height=330, hide_index=True, key="table", on_select=pick, selection_mode="single-row")
    st.caption(
        f"Score: {HELP['score']} {here.diagnosis.scores.num_silent} neurons are silent in most samples and score 0. "
        "Click a row to look at its neuron."
    )
