"""Check: what got better and what got worse between two heads, sample by sample, and whether chance explains it."""

from __future__ import annotations

from itertools import islice

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.experiments.comparison import comparisons
from neurontune_core.figures.methods import method_label
from neurontune_core.head import LinearHead
from pages.parts.frame.state import View, current_view
from pages.parts.frame.words import HELP, plain
from pages.parts.samples.changes import by_part, confusions, samples


def available_heads(view: View) -> tuple[dict[str, LinearHead], list[str]]:
    """Return every head by name, the trained one first and the newest run's last, and why others are left out."""
    erm = view.diagnosis.erm
    found = {"ERM": erm}
    if view.diagnosis.num_misclassified:
        found["masked now"] = view.diagnosis.masked_head(view.masked, view.mask_value)
    for run in reversed(view.diagnosis.project.runs()):
        found[f"masking off, {run.id}"] = run.off_head
        found[f"{run.method}, {run.id}"] = run.head
    missing = []
    current = (each for each in comparisons(view.diagnosis.project) if each.fits(erm, view.diagnosis.sets))
    for comparison in islice(current, 1):
        for each in comparison.summaries:
            if each.runs and each.method.key != "erm":
                try:
                    found[f"{method_label(each)}, compared {comparison.id}"] = comparison.head(each.method.key)
                except InputError as error:
                    missing.append(str(error))
    return found, missing


view = current_view()
st.title("Check")
st.markdown("What got better, what got worse, and whether chance would explain it.")
found, missing = available_heads(view)
for sentence in missing:
    st.warning(plain(sentence))
names = list(found)
one, two = st.columns(2)
first = one.selectbox("Before", names, key="before", bind="query-params", help=HELP["erm"])
newest = f"{view.run.method}, {view.run.id}" if view.run else names[-1]
second = two.selectbox("After", names, names.index(newest), key="after", bind="query-params", help=HELP["no masking"])
moved = view.split.changes(found[first], found[second])
counts = moved.counts()
left, *rest = st.columns(4)
left.metric("fixed", counts.fixed, help="Wrong before, right after.")
rest[0].metric("broken", counts.broken, help="Right before, wrong after.")
rest[1].metric("wrong in both", counts.kept_wrong)
rest[2].metric("right in both", counts.kept_right)
st.dataframe(by_part(moved), hide_index=True, key="parts")
st.caption(
    f'On "{plain(view.split.name)}". Intervals: Wilson, 95 %. In words: exact McNemar test on the '
    "samples that only one of the two heads gets right."
)
samples(view, moved, {"before": found[first], "after": found[second]})
st.subheader("Who is taken for whom")
confusions(moved)
