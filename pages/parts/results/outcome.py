"""The result of a retraining: its head beside the others, the advice, and the learning curves."""

from __future__ import annotations

import streamlit as st

from neurontune_core.figures.base import NO_MASKING, NO_MODE_BAR
from neurontune_core.figures.epochs import learning_curves
from neurontune_core.identification.agreement import STABLE
from neurontune_core.session.named_heads import EXPLANATIONS, NAMES
from neurontune_core.workspace.run import Run
from pages.parts.frame.tune_settings import SELECT
from pages.parts.frame.view import View
from pages.parts.frame.warn import warn
from pages.parts.frame.words import HELP, interval, percent, plain
from pages.parts.results.advice import advice_section


def curves(histories: dict, kept: int | None, groups: bool, key: str) -> None:
    """Draw one chart per measure, with all retrained heads in each."""
    measures = [("sfit", "SFit"), ("worst_class_accuracy", "worst class, %")]
    measures += [("worst_group_accuracy", "worst group, %")] * groups
    for column, (measure, label) in zip(st.columns(len(measures)), measures, strict=True):
        figure = learning_curves(histories, measure, label, kept)
        column.plotly_chart(figure, key=f"{key}-{measure}", config=NO_MODE_BAR)
    st.caption(
        "Measured on the identification split. The dashed line marks the epoch that is kept. "
        + "Worst-group accuracy selects nothing; it is only measured." * groups
    )


def outcome(view: View) -> None:
    """Show the heads of a run on the chosen split, the advice about it, and its learning curves."""
    assert view.run is not None
    run, split = view.run, view.split
    config, rows = run.config, []
    for key, name in NAMES.items():
        if key not in view.keys:
            rows.append({"": name, "worst group": "not computed yet"})
            continue
        measured = view.evaluation(key)
        rows.append(
            {
                "": name,
                "worst group": percent(measured.worst_group),
                "interval": interval(measured.worst_group),
                "group": measured.worst_group.name if measured.worst_group else "–",
                "average": percent(measured.overall),
                "worst class": percent(measured.worst_class),
            }
        )
    st.dataframe(rows, hide_index=True, key="heads")
    st.caption(f'On "{plain(split.name)}". ' + " ".join(f"{NAMES[key]}: {EXPLANATIONS[key]}" for key in view.keys))
    st.caption(
        f"Run {run.id}: λ {config.threshold:.3g}, mask value {config.mask_value:g}, tuned on {run.tuning}, epoch "
        f"{run.epoch} kept ({SELECT[config.select]}), {run.mask.num_biased} neurons masked, {run.seconds:.1f} s. "
        f"{HELP['sfit']}"
    )
    if config.select == "robust":
        st.caption(f":material/info: {_robust_mask(view, run)}")
    warn(run.warnings)
    advice_section(view, run)
    histories = {NAMES["retrained"]: run.history, NO_MASKING: run.off_history}
    curves(histories, run.epoch, view.diagnosis.identification.groups is not None, "saved")


def _robust_mask(view: View, run: Run) -> str:
    """Say in a sentence how the mask of a robust run relates to the mask on screen."""
    on_screen, masked = view.masked, run.mask.biased
    if (masked == view.diagnosis.masked_neurons(view.threshold, STABLE)).all():
        return f"Robust kept the stable part of the mask on screen: {masked.sum()} of {on_screen.sum()} neurons."
    return (
        f"Robust kept a mask that it had recomputed while retraining: {masked.sum()} neurons, "
        f"{(masked & on_screen).sum()} of them among the {on_screen.sum()} masked on screen."
    )
