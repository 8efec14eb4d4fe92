"""Overview: what this model gets wrong, by class and group; the trained head against the retrained one."""

import streamlit as st

from neurontune_core.compare_heads import changes
from neurontune_core.figures import MOST_BARS, group_bars
from pages.parts.close_up import facts
from pages.parts.state import view
from pages.parts.strip import headline
from pages.parts.wall import wall
from pages.parts.words import HELP, plain

HEIGHT, LOWER = 440, 250
here = view()
diagnosis = here.diagnosis
evaluation, split = diagnosis.evaluation, diagnosis.project.content["roles"]["evaluation"]

st.title(plain(diagnosis.project.title))
st.markdown(plain(diagnosis.project.problem) or "What this classifier gets wrong, by class and by group.")
headline(here, masked_now=False)

tried = {"ERM": diagnosis.erm}
if here.run:
    tried |= {"masking off": here.run.off_head, here.run.method: here.run.head}
heads = {name: diagnosis.evaluate(head) for name, head in tried.items()}
st.subheader("Accuracy by group" if evaluation.groups is not None else "Accuracy by class")
st.caption(
    f'On the split "{plain(split)}" ({evaluation.num_samples} samples), with 95 % intervals. ERM: {HELP["erm"]}'
    + (f" Masking off: {HELP['masking off']}" if here.run else "")
)
parts = [part for part in diagnosis.erm_evaluation.groups or diagnosis.erm_evaluation.classes if part.n]
if len(parts) > MOST_BARS:
    st.caption(f"The {MOST_BARS} of {len(parts):,} on which the trained head (ERM) does worst; Check lists all.")
st.plotly_chart(group_bars(heads), key="groups", config={"displayModeBar": False})

if evaluation.overlapping_groups is not None:
    with st.expander(f"{len(evaluation.overlapping_groups.names)} overlapping groups"):
        st.caption(
            "A sample may be in several of these or in none. Their worst is another number than the worst group above, "
            "and published results use the one or the other: compare like with like."
        )
        apart = {name: each.by_overlapping_groups() for name, each in heads.items()}
        st.plotly_chart(group_bars(apart), key="overlapping", config={"displayModeBar": False})

worst = diagnosis.erm_evaluation.worst_group
st.subheader(f"Mistakes in the worst group: {plain(worst.name)}" if worst else "Mistakes")
wrong = diagnosis.mistakes(worst.name if worst else None)
names = evaluation.class_names
captions, said = [f"called {name}" for name in names], diagnosis.said[wrong]
left, right = st.columns([8, 5], gap="medium")
with left:
    opened = wall(
        here,
        split,
        wrong,
        captions,
        "mistakes",
        "Mistakes",
        caption=said,
        height=HEIGHT,
        several=False,
        empty="This classifier makes no mistake here.",
    ).opened
with right, st.container(height=HEIGHT, border=False):
    if opened is None:
        st.caption("Click a sample, or press Enter on it, to see it closely here.")
    else:
        facts(here, split, opened, tried, "sample")

if here.run:
    moved = changes(diagnosis.erm, here.run.head, evaluation)
    st.subheader(f"Retraining fixed {len(moved.fixed)} samples and broke {len(moved.broken)}")
    for title, rows, key in (("Fixed", moved.fixed, "fixed"), ("Broken", moved.broken, "broken")):
        st.markdown(f"**{title}**")
        labels = evaluation.labels[rows]
        wall(here, split, rows, names, key, title, caption=labels, height=LOWER, several=False)
else:
    st.info(
        "Next: see which neurons are to blame on the **Neurons** page, then repair the head on the **Retrain** page."
    )
