"""The headline strip: what is wrong, how bad, what masking alone does, what retraining does."""

from __future__ import annotations

import streamlit as st

from neurontune_core.evaluate import Evaluation
from pages.parts.state import View
from pages.parts.words import HELP, interval, percent, plain


def headline(view: View, *, masked_now: bool) -> None:
    """Worst group (or class) of ERM, of the mask alone and of the chosen run; average and gap beside them."""
    split = view.split
    erm = split.erm_evaluation
    name = "worst group" if erm.groups else "worst class"
    after = split.evaluate(view.run.head) if view.run else None
    columns = st.columns(5 if masked_now else 4)
    _worst(columns[0], f"{name} · ERM", erm, None, HELP[name] + " " + HELP["erm"])
    place = 1
    if masked_now:
        scores = view.diagnosis.scores.neuron_scores
        always, never = (view.diagnosis.judged(verdict) for verdict in ("spurious", "core"))
        alone = split.mask_alone(scores, view.threshold, view.mask_value, always=always, never=never)
        _worst(columns[1], f"{name} · masked now", alone, erm, "The ERM head with the mask applied, not yet retrained.")
        place = 2
    if after is None:
        columns[place].metric(f"{name} · retrained", "–", help="Retrain the head to see this.")
        columns[place].caption("not retrained yet")
    else:
        _worst(columns[place], f"{name} · retrained", after, erm, "The head of the run chosen in the sidebar.")
    shown = after or erm
    label = "retrained" if after else "ERM"
    columns[place + 1].metric(f"average · {label}", percent(shown.overall), help=HELP["average"])
    columns[place + 1].caption(interval(shown.overall))
    gap = "–" if shown.accuracy_gap is None else f"{100 * shown.accuracy_gap:.1f}"
    columns[place + 2].metric(f"gap · {label}", gap, help=HELP["gap"])
    columns[place + 2].caption("percentage points")


def _worst(column, label: str, evaluation: Evaluation, before: Evaluation | None, explanation: str) -> None:
    part = evaluation.worst_group or evaluation.worst_class
    change = ""
    if before is not None:
        reference = before.worst_group or before.worst_class
        change = f"**{100 * (part.correct / part.n - reference.correct / reference.n):+.1f} points** · "
    column.metric(label, percent(part), help=explanation)
    column.caption(f"{change}{plain(part.name)} · {interval(part)}")
