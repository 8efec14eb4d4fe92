"""Overview: what this model gets wrong, by class and group; the trained head against the retrained one."""

import streamlit as st

from neurontune_core.compare_heads import changes
from neurontune_core.figures import group_bars
from pages.parts.state import view
from pages.parts.strip import headline
from pages.parts.wall import wall
from pages.parts.words import HELP

SHOWN = 16
here = view()
diagnosis = here.diagnosis
evaluation, split = diagnosis.evaluation, diagnosis.project.content["roles"]["evaluation"]

st.title(diagnosis.project.title)
st.markdown(diagnosis.project.problem or "What this classifier gets wrong, by class and by group.")
headline(here, masked_now=False)

heads = {"ERM": diagnosis.erm_evaluation}
if here.run:
    heads["masking off"] = diagnosis.evaluate(here.run.off_head)
    heads[here.run.method] = diagnosis.evaluate(here.run.head)
st.subheader("Accuracy by group" if evaluation.groups is not None else "Accuracy by class")
st.caption(
    f'On the split "{split}" ({evaluation.num_samples} samples), with 95 % intervals. ERM: {HELP["erm"]}'
    + (f" Masking off: {HELP['masking off']}" if here.run else "")
)
st.plotly_chart(group_bars(heads), key="groups", config={"displayModeBar": False})

worst = diagnosis.erm_evaluation.worst_group
st.subheader(f"Mistakes in the worst group: {worst.name}" if worst else "Mistakes")
wrong = diagnosis.mistakes(worst.name if worst else None)[:SHOWN]
names = evaluation.class_names
wall(here, split, wrong.tolist(), [f"called {names[diagnosis.said[row]]}" for row in wrong], "mistakes")

if here.run:
    moved = changes(diagnosis.erm, here.run.head, evaluation)
    st.subheader(f"Retraining fixed {len(moved.fixed)} samples and broke {len(moved.broken)}")
    for title, rows, key in (("Fixed", moved.fixed, "fixed"), ("Broken", moved.broken, "broken")):
        st.markdown(f"**{title}**")
        wall(here, split, rows[:SHOWN].tolist(), [names[evaluation.labels[row]] for row in rows[:SHOWN]], key)
else:
    st.info(
        "Next: see which neurons are to blame on the **Neurons** page, then repair the head on the **Retrain** page."
    )
