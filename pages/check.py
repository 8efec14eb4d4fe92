"""Check: samples that one head corrects or gets newly wrong against another, and whether chance explains it."""

from __future__ import annotations

from itertools import islice

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.experiments.comparison import comparisons
from neurontune_core.figures.methods import method_label
from neurontune_core.head import LinearHead
from neurontune_core.session.named_heads import NAMES, is_current
from pages.parts.frame.view import View, current_view
from pages.parts.frame.warn import warn
from pages.parts.frame.words import HELP, plain
from pages.parts.samples.changes import accuracy_by_part, changed_samples, confusion_matrices


def available_heads(view: View) -> tuple[dict[str, LinearHead], list[str]]:
    """Return every head by name, those of the sidebar first, and why others are left out."""
    diagnosis, problems = view.diagnosis, []
    heads = view.heads
    for run in diagnosis.project.runs():
        if is_current(diagnosis, run) and (view.run is None or run.id != view.run.id):
            heads[f"{NAMES['masking-off']}, {run.id}"] = run.off_head
            heads[f"{NAMES['retrained']}, {run.id}"] = run.head
    current = (saved for saved in comparisons(diagnosis.project) if saved.fits(diagnosis.erm, diagnosis.sets))
    for comparison in islice(current, 1):
        for summary in comparison.summaries:
            if summary.runs and summary.method.key != "erm":
                try:
                    heads[f"{method_label(summary)}, compared {comparison.id}"] = comparison.head(summary.method.key)
                except InputError as error:
                    problems.append(str(error))
    return heads, problems


view = current_view()
st.title("Check")
st.markdown(
    "Samples that a head corrects, samples that it gets newly wrong, and whether chance explains the difference."
)
choices, problems = available_heads(view)
warn(problems)
names = list(choices)
before_column, after_column = st.columns(2)
before = before_column.selectbox("Before", names, key="before", bind="query-params", help=HELP["erm"])
if st.session_state.setdefault("after_chosen", view.key) != view.key:  # another head was chosen in the sidebar since
    st.session_state["after_chosen"], st.session_state["after"] = view.key, view.chosen.name
after = after_column.selectbox(
    "After", names, names.index(view.chosen.name), key="after", bind="query-params",
    help="The chosen head of the sidebar, or any other.",
)  # fmt: skip
changes = view.split.changes(choices[before], choices[after])
counts = changes.counts()
corrected, newly_wrong, wrong, correct = st.columns(4)
corrected.metric("corrected", counts.fixed, help="Misclassified before, correct after.")
newly_wrong.metric("newly wrong", counts.broken, help="Correct before, misclassified after.")
wrong.metric("both misclassified", counts.kept_wrong)
correct.metric("both correct", counts.kept_right)
st.dataframe(accuracy_by_part(changes), hide_index=True, key="parts")
st.caption(
    f'On "{plain(view.split.name)}". Intervals: 95 %, Wilson. Change: exact McNemar test on the samples that only '
    "one of the two heads classifies correctly."
)
changed_samples(view, changes, {"before": choices[before], "after": choices[after]})
st.subheader("Confusion matrix")
confusion_matrices(changes)
