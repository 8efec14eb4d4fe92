"""What changed between two heads on the chosen split: by group, sample by sample, and as confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from neurontune_core.evaluation.accuracy import Proportion, evaluate_predictions
from neurontune_core.evaluation.changes import Changes, confusion, most_confused
from neurontune_core.head import LinearHead
from pages.parts.frame.url_state import in_url
from pages.parts.frame.view import View
from pages.parts.frame.words import interval, percent, plain
from pages.parts.samples.close_up import sample_facts
from pages.parts.samples.own_group_form import own_group_form
from pages.parts.samples.wall import wall

OUTCOMES = {
    "fixed": "corrected", "broken": "newly wrong", "kept_wrong": "both misclassified", "kept_right": "both correct"
}  # fmt: skip
ALL = "all"
MATRIX = 20  # classes that a confusion matrix still shows


def accuracy_by_part(changes: Changes) -> list[dict[str, str | int]]:
    """Return one row per group (per class, without groups) and one for all samples."""
    samples = changes.embedding_set
    before, after = (evaluate_predictions(predictions, samples) for predictions in (changes.before, changes.after))
    parts: list[tuple[Proportion, Proportion]] = list(
        zip(before.groups or before.classes, after.groups or after.classes, strict=True)
    )
    counts = changes.by_group() or changes.by_class()
    rows = [(before.overall, after.overall), *parts]
    return [
        {
            "": "all samples" if not place else first.name,
            "before": percent(first),
            "95 %": interval(first).partition(" · ")[0],
            "after": percent(second),
            "95 % ": interval(second).partition(" · ")[0],
            "n": first.n,
            "change": count.in_words(),
        }
        for place, ((first, second), count) in enumerate(zip(rows, (changes.counts(), *counts), strict=True))
        if first.n
    ]


def _choose_group(label: str, key: str, names: tuple[str, ...]) -> int | None:
    """Show the groups, and return the index of the chosen one; None for all."""
    chosen = st.selectbox(label, [ALL, *names], **in_url(key))
    return None if chosen == ALL else names.index(chosen)


@st.fragment
def changed_samples(view: View, changes: Changes, heads: Mapping[str, LinearHead]) -> None:
    """Show the samples of an outcome, a group and the sidebar's class, and beside them what is picked."""
    samples = changes.embedding_set
    filters, groups = st.columns(2, gap="medium")
    with groups:
        group = None if samples.groups is None else _choose_group("Group", "check_group", samples.group_names)
    outcome = filters.segmented_control(
        "Samples", list(OUTCOMES), default="fixed", required=True, format_func=OUTCOMES.__getitem__, **in_url("outcome")
    )
    rows = changes.rows(outcome, label=view.label, group=group)
    captions, caption = changes.in_words(rows)
    left, right = st.columns([8, 5], gap="medium")
    with left:
        picked = wall(
            view, samples.split, rows, captions, "changed", f"Samples, {OUTCOMES[outcome]}", caption=caption,
            correct=(changes.after == samples.labels)[rows], height=560, in_url=True,
        )  # fmt: skip
        of_class = "" if view.label is None else f"Class {plain(samples.class_names[view.label])} only. "
        st.caption(f"{of_class}Under each sample: prediction before → after. ✓ correct after, ✗ misclassified after.")
    with right, st.container(height=620, border=False):
        own_group_form(view, picked.rows, f"{OUTCOMES[outcome]} on Check")
        if picked.opened is None:
            st.caption("Click a sample, or press Enter on it, to enlarge it here.")
        else:
            sample_facts(view, picked.opened, heads, "sample")


def confusion_matrices(changes: Changes) -> None:
    """Show the confusion matrix before and after, of one group or of all samples."""
    samples = changes.embedding_set
    group = None if samples.groups is None else _choose_group("In group", "confusion_group", samples.group_names)
    predictions = {"before": changes.before, "after": changes.after}
    for (title, predicted), column in zip(predictions.items(), st.columns(2), strict=True):
        column.markdown(f"**{title}**")
        if samples.num_classes > MATRIX:
            pairs = most_confused(predicted, samples, group)
            rows = [dict(zip(("label", "predicted", "n"), pair, strict=True)) for pair in pairs]
            column.dataframe(rows, hide_index=True, key=f"confusion-{title}")
            continue
        matrix = confusion(predicted, samples, group)
        column.dataframe(
            {"label ↓ predicted →": list(samples.class_names)}
            | {name: matrix[:, place] for place, name in enumerate(samples.class_names)},
            hide_index=True,
            key=f"confusion-{title}",
        )
