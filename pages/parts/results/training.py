"""What the Train screen shares out: the settings of a training, and a training as it goes."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import streamlit as st

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.epochs import training_curves
from neurontune_core.jobs.store import Job, JobStatus, JobStore
from neurontune_core.training.config import PRESETS, TrainConfig
from neurontune_core.training.history import TrainHistory, read_history
from pages.parts.frame.words import plain

WORDS = {
    "augment": "Vary pictures by", "layers": "Train", "hold_out": "Hold out", "keep": "Keep the epoch with",
    "sgd": "SGD", "adamw": "AdamW", "constant": "not at all", "cosine": "cosine to 0", "step": "in steps",
    "linear": "line to 0", "all": "the whole network", "head": "the last layer alone", "crop": "crops and flips",
    "flip": "flips", "none": "nothing", "accuracy": "best accuracy", "worst_class_accuracy": "best worst class",
    "last": "nothing: the last one", "auto": "automatic", "mixed": "half where that is safe",
}  # fmt: skip
ROWS = (
    ("epochs", "batch_size", "learning_rate"),
    ("optimizer", "schedule", "weight_decay"),
    ("layers", "augment", "keep"),
    ("precision", "hold_out", "seed"),
)
_SHORT = {"weight_decay": "%g", "learning_rate": "%g", "hold_out": "%g"}


def settings(preset: str) -> dict[str, Any]:
    """One field a setting; what differs from the preset."""
    given, helps = PRESETS[preset], {each.name: each.metadata for each in fields(TrainConfig)}
    changed: dict[str, Any] = {}
    for names in ROWS:
        for name, column in zip(names, st.columns(len(names)), strict=True):
            own, meta, key = getattr(given, name), helps[name], f"train_{preset}_{name}"
            label = WORDS.get(name, name.replace("_", " ").capitalize())
            if meta["choices"]:
                place = meta["choices"].index(own)
                value = column.selectbox(
                    label, meta["choices"], place, key=key, help=_sentence(meta["help"]), format_func=_said
                )
            else:
                low, high = (type(own)(each) for each in meta["range"])
                high = min(high, type(own)(10**9))  # the browser counts no further than 2**53
                value = column.number_input(
                    label, low, high, own, key=key, help=_sentence(meta["help"]), format=_SHORT.get(name)
                )
            changed |= {name: value} if value != own else {}
    fresh = st.checkbox(
        "Start with a new last layer even where the given one fits the classes", key=f"train_{preset}_fresh_head"
    )
    return changed | ({"fresh_head": True} if fresh else {})


def _sentence(help_text: str) -> str:
    return f"{help_text[0].upper()}{help_text[1:]}."


def _said(choice: str) -> str:
    return WORDS.get(choice, choice)


def state_line(job: Job, status: JobStatus) -> str:
    left = "" if status.seconds_left is None else f" · {_duration(status.seconds_left)} left"
    rate = f" · {status.rate:.1f} samples a second{left}" if status.state == "running" and status.rate else ""
    where = f" · {status.message}" if status.message and status.state == "running" else ""
    return f"{plain(job.title)} · {status.state}{where}{rate}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def curves(job: Job, status: JobStatus, history: TrainHistory) -> None:
    """Loss and accuracies so far, and which epoch would be kept."""
    if not history.epochs:
        st.info("The curves start when the first epoch has been measured on the validation split.")
        return
    for name, column, figure in zip(("loss", "accuracy"), st.columns(2), training_curves(history), strict=True):
        column.plotly_chart(figure, key=f"train-{name}", config=NO_MODE_BAR)
    kept = history.kept
    assert kept is not None
    group = "" if kept.worst_group_accuracy is None else f" · worst group **{_percent(kept.worst_group_accuracy)}**"
    st.markdown(
        f"{'Kept' if status.state == 'done' else 'Best so far'}: epoch **{kept.epoch}** (dashed line) · average "
        f"**{_percent(kept.accuracy)}** · worst class **{_percent(kept.worst_class_accuracy)}**{group}",
        help="On the validation split. Average: every sample counts once. Worst class, worst group: the lowest "
        "accuracy among the classes, and among the groups (class × hidden attribute). Groups are measured, never used.",
    )


def history_of(job: Job) -> TrainHistory:
    return read_history(Path(job.config["out"]))


def trainings(store: JobStore) -> list[Job]:
    """The newest attempt at each training, the newest first; not those whose folder somebody has deleted."""
    newest: dict[str, Job] = {}
    for job in store.list():
        if job.task == "train":
            newest.setdefault(job.config["out"], job)
    return [job for out, job in newest.items() if job.status().state != "done" or Path(out).is_dir()]
