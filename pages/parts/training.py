"""What the Train screen shares out: the settings of a training, and a training as it goes."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import streamlit as st

from neurontune_core.figures import training_curves
from neurontune_core.jobs import Job, JobStatus, JobStore
from neurontune_core.train_config import PRESETS, TrainConfig, settings_of
from neurontune_core.train_history import TrainHistory, read_history
from pages.parts.words import HELP, plain

WORDS = {
    "learning_rate": "Learning rate", "fresh_head": "New last layer", "keep": "Keep the epoch with", "sgd": "SGD",
    "adamw": "AdamW", "cosine": "cosine to 0", "step": "in steps", "linear": "line to 0", "all": "the whole network",
    "head": "the last layer alone", "crop": "random crops and flips", "flip": "flips", "accuracy": "best accuracy",
    "worst_class_accuracy": "best worst class", "last": "last epoch", "mixed": "half precision where safe",
}  # fmt: skip
ROWS = (
    ("epochs", "batch_size", "learning_rate", "weight_decay"),
    ("optimizer", "schedule", "layers", "augment"),
    ("keep", "precision", "seed", "hold_out"),
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
                value = column.selectbox(label, meta["choices"], place, key=key, help=meta["help"], format_func=_said)
            else:
                low, high = (type(own)(each) for each in meta["range"])
                value = column.number_input(label, low, min(high, type(own)(10**9)), own, key=key, help=meta["help"],
                    format=_SHORT.get(name))  # fmt: skip
            changed |= {name: value} if value != own else {}
    fresh = st.checkbox(
        "Start with a new last layer even where the given one fits the classes", key=f"train_{preset}_fresh_head"
    )
    return changed | ({"fresh_head": True} if fresh else {})


def _said(choice: str) -> str:
    return WORDS.get(choice, choice)


def state_line(job: Job, status: JobStatus) -> str:
    left = "" if status.seconds_left is None else f" · {status.seconds_left:.0f} s left"
    rate = f" · {status.rate:.1f} samples a second{left}" if status.state == "running" and status.rate else ""
    where = f" · {status.message}" if status.message and status.state == "running" else ""
    return f"{plain(job.title)} · {status.state}{where}{rate}"


def curves(job: Job, history: TrainHistory) -> None:
    """Loss and accuracies so far, and which epoch would be kept."""
    if not history.epochs:
        st.info("The curves start when the first epoch has been measured on the validation split.")
        return
    preset = (job.status().result or {}).get("preset") or job.config.get("preset")
    wanted = settings_of(preset, job.config["settings"]).epochs if preset else 0
    for name, column, figure in zip(
        ("loss", "accuracy"), st.columns(2), training_curves(history, max(wanted, len(history.epochs))), strict=True
    ):
        column.plotly_chart(figure, key=f"train-{name}", config={"displayModeBar": False})
    kept = history.kept
    assert kept is not None
    group = "" if kept.worst_group_accuracy is None else f" · worst group **{kept.worst_group_accuracy:.1%}**"
    st.markdown(
        f"Best so far: epoch **{kept.epoch}** (dashed line) · average **{kept.accuracy:.1%}** · worst class "
        f"**{kept.worst_class_accuracy:.1%}**{group}",
        help=f"On the validation split. {HELP['worst group']}",
    )


def history_of(job: Job) -> TrainHistory:
    return read_history(Path(job.config["out"]))


def trainings(store: JobStore) -> list[Job]:
    """The newest attempt at each training, the newest first."""
    newest: dict[str, Job] = {}
    for job in store.list():
        if job.task == "train":
            newest.setdefault(job.config["out"], job)
    return list(newest.values())
