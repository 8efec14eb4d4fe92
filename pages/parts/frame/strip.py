"""The strip on top of a screen: the worst group of every head, with its interval, on one axis."""

from __future__ import annotations

from html import escape

import streamlit as st

from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from neurontune_core.session.named_heads import EXPLANATIONS, NAMES, HeadKey
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, interval, percent, plain

MISSING: dict[HeadKey, str] = {
    "mask": "nothing to mask",
    "masking-off": "not retrained yet",
    "retrained": "not retrained yet",
    "advised": "adviser not asked yet",
}
WITH_KNOWLEDGE = "with your knowledge"
TICKS = (0, 25, 50, 75, 100)  # percent


def headline(view: View) -> None:
    """Draw the worst group (or class) and the average of each head on one axis, the chosen head marked."""
    trained = view.split.erm_evaluation
    name = "Worst group" if trained.groups else "Worst class"
    with st.container(key="strip", gap=None):
        st.caption(
            f"**{name}** on {plain(view.split.name)}, by head: dot, with its 95 % interval; ◇ average. Chosen, for "
            f"Check and Export: :material/check_circle: **{NAMES[view.key]}**",
            help=f"{HELP[name.lower()]} {HELP['average']} Gap: {HELP['gap']}",
        )
        rows = [
            strip_row(key, view.evaluation(key), trained, key == view.key, WITH_KNOWLEDGE * _masks_a_cue(view, key))
            if key in view.keys
            else _missing_row(key)
            for key in NAMES
        ]
        # Foreign in it are the names of groups alone, which `strip_row` escapes; the rest is numbers and words of ours.
        st.html(f'<div class="nt-strip" role="list">{_axis(name)}{"".join(rows)}</div>')


def strip_row(key: HeadKey, evaluation: Evaluation, trained: Evaluation, chosen: bool, note: str = "") -> str:
    """Return one head's row as HTML; names of groups are escaped.

    Args:
        key: of the head.
        evaluation: its accuracies.
        trained: those of the trained head, which the change counts from.
        chosen: mark it as the chosen head.
        note: what else is to be known of it.
    """
    part, reference = _worst(evaluation), _worst(trained)
    change = ""
    if key != "trained":
        points = 100 * (_share(part) - _share(reference))
        direction = " up" * (points > 0) + " down" * (points < 0)
        change = f'<span class="change{direction}">{points:+.1f}</span>'
    gap = "" if evaluation.accuracy_gap is None else f" · gap {100 * evaluation.accuracy_gap:.1f}"
    low, high = part.interval
    marks = (
        f'<i class="reference" style="left:{100 * _share(reference):.2f}%"></i>'
        f'<i class="interval" style="left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"></i>'
        f'<i class="average" style="left:{100 * _share(evaluation.overall):.2f}%"></i>'
        f'<i class="dot" style="left:{100 * _share(part):.2f}%"></i>'
    )
    return (
        f'<div role="listitem" class="head{" chosen" if chosen else ""}" data-head="{key}" title="{EXPLANATIONS[key]}">'
        f'<span class="name">{NAMES[key]}</span><span class="track" aria-hidden="true">{marks}</span>'
        f'<b class="worst">{percent(part)}</b><span>{change}</span>'
        f'<span class="which">{escape(part.name)} · {interval(part)}{note and f" · <b>{note}</b>"}</span>'
        f'<span class="whole"><span class="overall">{percent(evaluation.overall)}</span>{gap}</span></div>'
    )


def _worst(evaluation: Evaluation) -> Proportion:
    return evaluation.worst_group or evaluation.worst_class


def _masks_a_cue(view: View, key: HeadKey) -> bool:
    """Return whether a head masks what a person pointed at, which the paper's method does not know."""
    if key == "mask":
        return view.diagnosis.cue_mask() is not None
    return key == "retrained" and view.run is not None and view.run.mask.cue is not None


def _share(part: Proportion) -> float:
    return part.correct / part.n


def _missing_row(key: HeadKey) -> str:
    return (
        f'<div role="listitem" class="head missing" title="{EXPLANATIONS[key]}"><span class="name">{NAMES[key]}</span>'
        f'<span class="track" aria-hidden="true"></span><b class="worst">–</b><span></span>'
        f'<span class="which">{MISSING[key]}</span><span class="whole"></span></div>'
    )


def _axis(name: str) -> str:
    """Return the row above the heads: the ticks of the axis, and what stands in each column."""
    ticks = "".join(f'<i style="left:{tick}%">{tick}</i>' for tick in TICKS)
    return (
        f'<div class="axis" aria-hidden="true"><span></span><span class="ticks">{ticks}</span>'
        f"<span>{name.lower()}</span><span>change</span><span>which, 95 % interval</span><span>average</span></div>"
    )
