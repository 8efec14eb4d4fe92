"""The form of the settings of a training."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import streamlit as st

from neurontune_core.training.config import PRESETS, TrainConfig

WORDS = {
    "augment": "Augmentation", "layers": "Train", "hold_out": "Hold out", "keep": "Keep the epoch with",
    "sgd": "SGD", "adamw": "AdamW", "constant": "constant", "cosine": "cosine to 0", "step": "in steps",
    "linear": "linear to 0", "all": "the whole network", "head": "the last layer alone", "crop": "crops and flips",
    "flip": "flips", "none": "nothing", "accuracy": "best accuracy", "worst_class_accuracy": "best worst class",
    "last": "last epoch", "auto": "automatic", "mixed": "half where safe",
}  # fmt: skip
ROWS = (
    ("epochs", "batch_size", "learning_rate"),
    ("optimizer", "schedule", "weight_decay"),
    ("layers", "augment", "keep"),
    ("precision", "hold_out", "seed"),
)
_SHORT = {"weight_decay": "%g", "learning_rate": "%g", "hold_out": "%g"}


def training_settings(preset: str) -> dict[str, Any]:
    """Show one field per setting, and return the values that differ from the preset."""
    defaults, helps = PRESETS[preset], {field.name: field.metadata for field in fields(TrainConfig)}
    changed: dict[str, Any] = {}
    for names in ROWS:
        for name, column in zip(names, st.columns(len(names)), strict=True):
            own, meta, key = getattr(defaults, name), helps[name], f"train_{preset}_{name}"
            label = WORDS.get(name, name.replace("_", " ").capitalize())
            if meta["choices"]:
                place = meta["choices"].index(own)
                value = column.selectbox(
                    label, meta["choices"], place, key=key, help=_sentence(meta["help"]), format_func=_in_words
                )
            else:
                low, high = (type(own)(bound) for bound in meta["range"])
                high = min(high, type(own)(10**9))  # a browser cannot count beyond 2**53
                value = column.number_input(
                    label, low, high, own, key=key, help=_sentence(meta["help"]), format=_SHORT.get(name)
                )
            changed |= {name: value} if value != own else {}
    fresh = st.checkbox(
        "Start with a new last layer, even where that of the checkpoint fits the classes",
        key=f"train_{preset}_fresh_head",
    )
    return changed | ({"fresh_head": True} if fresh else {})


def _sentence(help_text: str) -> str:
    return f"{help_text[0].upper()}{help_text[1:]}."


def _in_words(choice: str) -> str:
    return WORDS.get(choice, choice)
