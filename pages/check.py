"""Check: what got better and what got worse between two heads, sample by sample, and whether chance explains it."""

from __future__ import annotations

import streamlit as st

from neurontune_core.compare_figures import label
from neurontune_core.compare_heads import Changes, changes, confusion, most_confused
from neurontune_core.comparison import comparisons
from neurontune_core.evaluate import Proportion, evaluate_predictions
from neurontune_core.head import LinearHead
from pages.parts.close_up import facts
from pages.parts.keeping import keep_as_group
from pages.parts.state import View, view
from pages.parts.wall import wall
from pages.parts.words import HELP, interval, percent, plain

WORDS = {"fixed": "fixed", "broken": "broken", "kept_wrong": "wrong in both", "kept_right": "right in both"}
EVERYTHING, MATRIX = "all", 20  # classes that a square table still shows


def heads(here: View) -> dict[str, LinearHead]:
    """Every head at hand, the trained one first and the newest run's last."""
    erm = here.diagnosis.erm
    found = {"ERM": erm}
    if here.diagnosis.num_mistakes:
        found["masked now"] = here.diagnosis.masked_head(here.masked, here.mask_value)
    for run in reversed(here.diagnosis.project.runs()):
        found[f"masking off, {run.id}"] = run.off_head
        found[f"{run.method}, {run.id}"] = run.head
    for comparison in comparisons(here.diagnosis.project)[:1]:
        for each in comparison.standings:
            if each.runs and each.method.key != "erm":
                found[f"{label(each)}, compared {comparison.id}"] = comparison.head(each.method.key)
    return found


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


@st.fragment
def samples(here: View, moved: Changes, heads: dict[str, LinearHead]) -> None:
    """The wall, filtered by outcome, class and group; what is picked on it stands beside it."""
    each = moved.embedding_set
    one, two = st.columns(2)
    label = one.selectbox(
        "Class", [EVERYTHING, *each.class_names], key="check_class", bind="query-params", persist_state="session"
    )
    group = EVERYTHING
    if each.groups is not None:
        group = two.selectbox(
            "Group", [EVERYTHING, *each.group_names], key="check_group", bind="query-params", persist_state="session"
        )
    chosen = {
        "label": None if label == EVERYTHING else each.class_names.index(label),
        "group": None if group == EVERYTHING else each.group_names.index(group),
    }
    outcome = st.segmented_control(
        "Samples", list(WORDS), default="fixed", required=True, key="outcome", bind="query-params",
        persist_state="session", format_func=WORDS.__getitem__,
    )  # fmt: skip
    rows = moved.rows(outcome, **chosen)
    captions, caption = moved.in_words(rows)
    left, right = st.columns([8, 5], gap="medium")
    with left:
        picked = wall(
            here,
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
        st.caption("Under each sample: what it was called before → after. ✓ right after, ✗ wrong after.")
    with right, st.container(height=620, border=False):
        keep_as_group(here, picked.rows, f"{WORDS[outcome]} on Check")
        if picked.opened is None:
            st.caption("Click a sample, or press Enter on it, to see it closely here.")
        else:
            facts(here, each.split, picked.opened, heads, "sample")


def confusions(moved: Changes) -> None:
    """Who is taken for whom, in one group or in all."""
    each = moved.embedding_set
    place = None
    if each.groups is not None:
        group = st.selectbox("In group", [EVERYTHING, *each.group_names], key="confusion_group")
        place = None if group == EVERYTHING else each.group_names.index(group)
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


here = view()
st.title("Check")
st.markdown("What got better, what got worse, and whether chance would explain it.")
found = heads(here)
names = list(found)
one, two = st.columns(2)
first = one.selectbox("Before", names, key="before", bind="query-params", help=HELP["erm"])
newest = f"{here.run.method}, {here.run.id}" if here.run else names[-1]
second = two.selectbox("After", names, names.index(newest), key="after", bind="query-params", help=HELP["masking off"])
moved = changes(found[first], found[second], here.diagnosis.evaluation)
counts = moved.counts()
left, *rest = st.columns(4)
left.metric("fixed", counts.fixed, help="Wrong before, right after.")
rest[0].metric("broken", counts.broken, help="Right before, wrong after.")
rest[1].metric("wrong in both", counts.kept_wrong)
rest[2].metric("right in both", counts.kept_right)
st.dataframe(by_part(moved), hide_index=True, key="parts")
st.caption(
    f'On "{plain(here.diagnosis.evaluation.split)}". Intervals: Wilson, 95 %. In words: exact McNemar test on the '
    "samples that only one of the two heads gets right."
)
samples(here, moved, {"before": found[first], "after": found[second]})
st.subheader("Who is taken for whom")
confusions(moved)
