"""What two heads get differently on the chosen split: by part, sample by sample, and who is taken for whom."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from neurontune_core.evaluation.accuracy import Proportion, evaluate_predictions
from neurontune_core.evaluation.changes import Changes, confusion, most_confused
from neurontune_core.head import LinearHead
from pages.parts.frame.state import View
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import interval, percent, plain
from pages.parts.samples.close_up import facts
from pages.parts.samples.own_group_form import keep_as_group
from pages.parts.samples.wall import wall

WORDS = {"fixed": "fixed", "broken": "broken", "kept_wrong": "wrong in both", "kept_right": "right in both"}
EVERYTHING, MATRIX = "all", 20  # classes that a square table still shows


def by_part(moved: Changes) -> list[dict[str, str | int]]:
    """One row a group (a class, without groups) and one for all."""
    each = moved.embedding_set
    before, after = (evaluate_predictions(said, each) for said in (moved.before, moved.after))
    parts: list[tuple[Proportion, Proportion]] = list(
        zip(before.groups or before.classes, after.groups or after.classes, strict=True)
    )
    counts = moved.by_group() or moved.by_class()
    rows = [(before.overall, after.overall), *parts]
    return [
        {
            "": "all samples" if not place else first.name,
            "before": percent(first),
            "95 %": interval(first).partition(" · ")[0],
            "after": percent(second),
            "95 % ": interval(second).partition(" · ")[0],
            "n": first.n,
            "in words": count.in_words(),
        }
        for place, ((first, second), count) in enumerate(zip(rows, (moved.counts(), *counts), strict=True))
        if first.n
    ]


def _group(label: str, key: str, names: tuple[str, ...]) -> int | None:
    """The index of the chosen group; None for all."""
    chosen = st.selectbox(label, [EVERYTHING, *names], **in_url(key))
    return None if chosen == EVERYTHING else names.index(chosen)


@st.fragment
def samples(view: View, moved: Changes, heads: Mapping[str, LinearHead]) -> None:
    """The wall, filtered by outcome and group, and by the sidebar's class; what is picked on it stands beside it."""
    each = moved.embedding_set
    one, two = st.columns([5, 8], gap="medium")
    with two:
        group = None if each.groups is None else _group("Group", "check_group", each.group_names)
    outcome = one.segmented_control(
        "Samples", list(WORDS), default="fixed", required=True, format_func=WORDS.__getitem__, **in_url("outcome")
    )
    rows = moved.rows(outcome, label=view.label, group=group)
    captions, caption = moved.in_words(rows)
    left, right = st.columns([8, 5], gap="medium")
    with left:
        picked = wall(
            view,
            each.split,
            rows,
            captions,
            "changed",
            f"Samples, {WORDS[outcome]}",
            caption=caption,
            right=(moved.after == each.labels)[rows],
            height=560,
            in_address=True,
        )
        of_class = "" if view.label is None else f"Of class {plain(each.class_names[view.label])} alone. "
        st.caption(f"{of_class}Under each sample: what it was called before → after. ✓ right after, ✗ wrong after.")
    with right, st.container(height=620, border=False):
        keep_as_group(view, picked.rows, f"{WORDS[outcome]} on Check")
        if picked.opened is None:
            st.caption("Click a sample, or press Enter on it, to see it closely here.")
        else:
            facts(view, picked.opened, heads, "sample")


def confusions(moved: Changes) -> None:
    """Who is taken for whom, in one group or in all."""
    each = moved.embedding_set
    place = None if each.groups is None else _group("In group", "confusion_group", each.group_names)
    for title, said, column in zip(("before", "after"), (moved.before, moved.after), st.columns(2), strict=True):
        column.markdown(f"**{title}**")
        if each.num_classes > MATRIX:
            rows = [dict(zip(("is", "called", "n"), found, strict=True)) for found in most_confused(said, each, place)]
            column.dataframe(rows, hide_index=True, key=f"confusion-{title}")
            continue
        table = confusion(said, each, place)
        column.dataframe(
            {"is ↓ called →": list(each.class_names)}
            | {name: table[:, at] for at, name in enumerate(each.class_names)},
            hide_index=True,
            key=f"confusion-{title}",
        )
