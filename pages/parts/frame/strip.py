"""The strip on top of a screen: the worst group of every head, in the order in which a person meets them."""

from __future__ import annotations

import streamlit as st

from neurontune_core.evaluation.accuracy import Evaluation
from neurontune_core.session.named_heads import EXPLANATIONS, NAMES, HeadKey
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, interval, percent, plain

MISSING: dict[HeadKey, str] = {
    "mask": "nothing to mask",
    "masking-off": "not retrained yet",
    "retrained": "not retrained yet",
    "advised": "adviser not asked yet",
}
WITH_KNOWLEDGE = " · **with your knowledge**"


def headline(view: View) -> None:
    """Show the worst group (or class) of each head side by side, the chosen one marked, and its average."""
    trained = view.split.erm_evaluation
    name = "Worst group" if trained.groups else "Worst class"
    with st.container(key="strip"):
        st.caption(
            f"**{name}** on {plain(view.split.name)}, by head. Chosen, for Check and Export: "
            f":material/check_circle: **{NAMES[view.key]}**",
            help=HELP[name.lower()],
        )
        *columns, last = st.columns(len(NAMES) + 1)
    for column, key in zip(columns, NAMES, strict=True):
        with column.container(key="strip-chosen" if key == view.key else f"strip-{key}"):
            if key in view.keys:
                before = None if key == "trained" else trained
                note = WITH_KNOWLEDGE if _with_knowledge(view, key) else ""
                _worst(NAMES[key], view.evaluation(key), before, EXPLANATIONS[key], note)
            else:
                st.metric(NAMES[key], "–", help=EXPLANATIONS[key])
                st.caption(MISSING[key])
    chosen = view.evaluation(view.key)
    last.metric(f"Average · {NAMES[view.key]}", percent(chosen.overall), help=f"{HELP['average']} Gap: {HELP['gap']}")
    gap = "" if chosen.accuracy_gap is None else f"**gap {100 * chosen.accuracy_gap:.1f}** · "
    last.caption(gap + interval(chosen.overall))


def _with_knowledge(view: View, key: HeadKey) -> bool:
    """Return whether a head masks a cue that a person pointed at."""
    if key == "mask":
        return view.diagnosis.cue_mask() is not None
    return key == "retrained" and view.run is not None and view.run.mask.cue is not None


def _worst(label: str, evaluation: Evaluation, before: Evaluation | None, explanation: str, note: str = "") -> None:
    part = evaluation.worst_group or evaluation.worst_class
    change = ""
    if before is not None:
        reference = before.worst_group or before.worst_class
        change = f"**{100 * (part.correct / part.n - reference.correct / reference.n):+.1f} points** · "
    st.metric(label, percent(part), help=explanation)
    st.caption(f"{change}{plain(part.name)} · {interval(part)}{note}")
