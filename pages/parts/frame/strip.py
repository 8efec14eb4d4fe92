"""The headline strip: accuracy of the trained head, of the mask alone, and of the retrained heads."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neurontune_core.evaluation.accuracy import Evaluation
from neurontune_core.figures.base import NO_MASKING
from neurontune_core.head import LinearHead
from pages.parts.frame.state import View
from pages.parts.frame.words import HELP, interval, percent, plain


def headline(view: View, *, masked_now: bool) -> None:
    """Show the worst group (or class) of each head side by side, and the average.

    Args:
        masked_now: show the trained head with the current mask, too.
    """
    split, run = view.split, view.run
    erm = split.erm_evaluation
    name = "worst group" if erm.groups else "worst class"
    with st.container(key="strip"):
        first, *more, last = st.columns(5 if masked_now else 4)
    _worst(first, f"{name} · ERM", erm, None, HELP[name] + " " + HELP["erm"])
    if masked_now:
        scores = view.diagnosis.scores.neuron_scores
        always, never = (view.diagnosis.judged(verdict) for verdict in ("spurious", "core"))
        alone = split.mask_alone(scores, view.threshold, view.mask_value, always=always, never=never)
        _worst(more.pop(0), f"{name} · masked now", alone, erm, "The ERM head with the current mask, not retrained.")
    off, retrained = more
    _tuned(off, view, f"{name} · {NO_MASKING.lower()}", run and run.off_head, HELP["no masking"])
    _tuned(retrained, view, f"{name} · retrained", run and run.head, "The retrained head chosen in the sidebar.")
    shown, label = (split.evaluate(run.head), "retrained") if run else (erm, "ERM")
    last.metric(f"average · {label}", percent(shown.overall), help=f"{HELP['average']} Gap: {HELP['gap']}")
    gap = "" if shown.accuracy_gap is None else f"**gap {100 * shown.accuracy_gap:.1f}** · "
    last.caption(gap + interval(shown.overall))


def _tuned(column: DeltaGenerator, view: View, label: str, head: LinearHead | None, explanation: str) -> None:
    if head is None:
        column.metric(label, "–", help=f"{explanation} Press Retrain to see it.")
        column.caption("not retrained yet")
    else:
        _worst(column, label, view.split.evaluate(head), view.split.erm_evaluation, explanation)


def _worst(
    column: DeltaGenerator, label: str, evaluation: Evaluation, before: Evaluation | None, explanation: str
) -> None:
    part = evaluation.worst_group or evaluation.worst_class
    change = ""
    if before is not None:
        reference = before.worst_group or before.worst_class
        change = f"**{100 * (part.correct / part.n - reference.correct / reference.n):+.1f} points** · "
    column.metric(label, percent(part), help=explanation)
    column.caption(f"{change}{plain(part.name)} · {interval(part)}")
