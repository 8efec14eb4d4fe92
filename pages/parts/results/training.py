"""A training under way or ended: its state, its live curves, and the epoch that is kept."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.epochs import training_curves
from neurontune_core.jobs.store import Job, JobStatus, JobStore
from neurontune_core.tables import percent
from neurontune_core.training.history import TrainHistory, read_history
from pages.parts.frame.words import plain


def state_line(job: Job, status: JobStatus) -> str:
    """Return the state of a training in one line."""
    left = "" if status.seconds_left is None else f" · {_duration(status.seconds_left)} left"
    rate = f" · {status.rate:.1f} samples a second{left}" if status.state == "running" and status.rate else ""
    where = f" · {status.message}" if status.message and status.state == "running" else ""
    return f"{plain(job.title)} · {status.state}{where}{rate}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def curves(job: Job, status: JobStatus, history: TrainHistory) -> None:
    """Draw loss and accuracies so far, and show which epoch would be kept."""
    if not history.epochs:
        st.info("The curves start after the first epoch, once it is measured on the validation split.")
        return
    for name, column, figure in zip(("loss", "accuracy"), st.columns(2), training_curves(history), strict=True):
        column.plotly_chart(figure, key=f"train-{name}", config=NO_MODE_BAR)
    kept = history.kept
    assert kept is not None
    group = "" if kept.worst_group_accuracy is None else f" · worst group **{percent(kept.worst_group_accuracy)}**"
    st.markdown(
        f"{'Kept' if status.state == 'done' else 'Best so far'}: epoch **{kept.epoch}** (dashed line) · average "
        f"**{percent(kept.accuracy)}** · worst class **{percent(kept.worst_class_accuracy)}**{group}",
        help="On the validation split. Average: every sample counts once. Worst class, worst group: the lowest "
        "accuracy among the classes and among the groups (class × hidden attribute). Groups only measure.",
    )


def history_of(job: Job) -> TrainHistory:
    """Return the epochs of a training so far."""
    return read_history(Path(job.config["out"]))


def trainings(store: JobStore) -> list[Job]:
    """Return the newest attempt at each training, the newest first, without those whose folder was deleted."""
    newest: dict[str, Job] = {}
    for job in store.list():
        if job.task == "train":
            newest.setdefault(job.config["out"], job)
    return [job for out, job in newest.items() if job.status().state != "done" or Path(out).is_dir()]
