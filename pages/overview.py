"""Overview: what this model gets wrong, by class and group; the trained head against the retrained one."""

import streamlit as st

from neurontune_core.figures.base import NO_MASKING, NO_MODE_BAR
from neurontune_core.figures.heads import MOST_BARS, group_bars
from pages.parts.frame.state import current_view
from pages.parts.frame.strip import headline
from pages.parts.frame.words import HELP, plain
from pages.parts.samples.close_up import facts
from pages.parts.samples.wall import wall

HEIGHT, LOWER = 440, 250
st.session_state.pop("opened", None)  # it is
view = current_view()
diagnosis = view.diagnosis
split, samples = view.split, view.split.samples

st.title(plain(diagnosis.project.title))
st.markdown(plain(diagnosis.project.problem) or "What this classifier gets wrong, by class and by group.")
headline(view, masked_now=False)

tried = {"ERM": diagnosis.erm}
if view.run:
    tried |= {NO_MASKING: view.run.off_head, view.run.method: view.run.head}
heads = {name: split.evaluate(head) for name, head in tried.items()}
st.subheader("Accuracy by group" if samples.groups is not None else "Accuracy by class")
st.caption(
    f'On the split "{plain(split.name)}" ({samples.num_samples} samples), with 95 % intervals. ERM: {HELP["erm"]}'
    + (f" Masking off: {HELP['no masking']}" if view.run else "")
)
parts = [part for part in split.erm_evaluation.groups or split.erm_evaluation.classes if part.n]
if len(parts) > MOST_BARS:
    st.caption(f"The {MOST_BARS} of {len(parts):,} on which the trained head (ERM) does worst; Check lists all.")
st.plotly_chart(group_bars(heads), key="groups", config=NO_MODE_BAR)

if samples.overlapping_groups is not None:
    with st.expander(f"{len(samples.overlapping_groups.names)} overlapping groups"):
        st.caption(
            "A sample may be in several of these or in none. Their worst is another number than the worst group above, "
            "and published results use the one or the other: compare like with like."
        )
        apart = {name: each.by_overlapping_groups() for name, each in heads.items()}
        st.plotly_chart(group_bars(apart), key="overlapping", config=NO_MODE_BAR)

names = samples.class_names
worst = split.erm_evaluation.worst_group
if view.label is not None:
    title, wrong = f"Mistakes of class {plain(names[view.label])}", split.misclassified(label=view.label)
elif worst:
    title, wrong = f"Mistakes in the worst group: {plain(worst.name)}", split.misclassified(group=worst.name)
else:
    title, wrong = "Mistakes", split.misclassified()
st.subheader(title)
captions, said = [f"called {name}" for name in names], split.predictions[wrong]
left, right = st.columns([8, 5], gap="medium")
with left:
    opened = wall(
        view,
        split.name,
        wrong,
        captions,
        "mistakes",
        "Mistakes",
        caption=said,
        height=HEIGHT,
        several=False,
        empty="This classifier makes no such mistake here.",
    ).opened
with right, st.container(height=HEIGHT, border=False):
    if opened is None:
        st.caption("Click a sample, or press Enter on it, to see it closely here.")
    else:
        facts(view, opened, tried, "sample")

if view.run:
    moved = split.changes(diagnosis.erm, view.run.head)
    fixed, broken = (moved.rows(outcome, label=view.label) for outcome in ("fixed", "broken"))
    of_class = "" if view.label is None else f" of class {plain(names[view.label])}"
    st.subheader(f"Retraining fixed {len(fixed)} samples{of_class} and broke {len(broken)}")
    for title, rows, key in (("Fixed", fixed, "fixed"), ("Broken", broken, "broken")):
        labels = samples.labels[rows]
        wall(view, split.name, rows, names, key, title, title=True, caption=labels, height=LOWER, several=False)
else:
    st.info(
        "Next: see which neurons are to blame on the **Neurons** page, then repair the head on the **Retrain** page."
    )
