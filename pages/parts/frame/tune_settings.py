"""How the head is retrained: what is asked on the Retrain screen, before λ and the mask value of the sidebar."""

from __future__ import annotations

from typing import Any

import streamlit as st

from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.project import HALVES
from pages.parts.frame.address import Carried
from pages.parts.frame.state import View
from pages.parts.frame.words import HELP

SELECT = {
    "sfit": "highest SFit (the paper)",
    "worst_class_accuracy": "highest worst-class accuracy",
    "last": "last epoch",
}
HALF = "half of the identification split"
DEFAULTS = TuneConfig()
RANGES = {"epochs": (1, 1_000), "rate": (1e-6, 1.0), "batch": (1, 1_000_000), "seed": (0, 10_000)}


def _number(key: str, default: float) -> Carried:
    kind, (low, high) = type(default), RANGES[key]

    def read(text: str) -> float:
        number = kind(text)
        if low <= number <= high:
            return number
        raise ValueError

    return Carried(key, read, lambda number: "" if number == default else str(number))


def _word(key: str, words: dict[Any, str]) -> Carried:
    """Words: of the values that stand in the address."""
    return Carried(key, {said: value for value, said in words.items()}.__getitem__, lambda value: words.get(value, ""))


TUNING = _word("tuning", {HALVES: HALF})
KEPT = _word("select", {name: words for name, words in SELECT.items() if name != DEFAULTS.select})
EPOCHS = _number("epochs", DEFAULTS.epochs)
RATE = _number("rate", DEFAULTS.learning_rate)
BATCH = _number("batch", DEFAULTS.batch_size)
SEED = _number("seed", DEFAULTS.seed)
ADVISED = _word("advised", {False: "false"})
SETTINGS = (TUNING, KEPT, EPOCHS, RATE, BATCH, SEED, ADVISED)


def settings(view: View) -> None:
    """The form."""
    one, two, three, four, five, six = st.columns([4, 4, 3, 3, 3, 3])
    one.selectbox(
        "Tune on",
        [view.diagnosis.project.content["roles"]["tuning"], HALVES],
        format_func=lambda name: HALF if name == HALVES else name,
        **TUNING.widget,
        help="The samples that the head is retrained on, in class-balanced batches. Where these are half of the "
        "identification split, the other half finds the biased neurons.",
    )
    two.selectbox(
        "Keep the epoch with",
        list(SELECT),
        format_func=SELECT.__getitem__,
        **KEPT.widget,
        help=f"SFit: {HELP['sfit']} It is a noisy judge; worst class is often the better one.",
    )
    three.number_input("Epochs", *RANGES["epochs"], DEFAULTS.epochs, **EPOCHS.widget)
    four.number_input("Learning rate", *RANGES["rate"], DEFAULTS.learning_rate, format="%g", **RATE.widget)
    five.number_input(
        "Batch size", *RANGES["batch"], max(DEFAULTS.batch_size, view.diagnosis.erm.num_classes), **BATCH.widget,
        help="Samples of a batch, as many of each class and at least one.",
    )  # fmt: skip
    six.number_input("Seed", *RANGES["seed"], DEFAULTS.seed, **SEED.widget)


def chosen(view: View) -> tuple[TuneConfig, str]:
    """What the form says, on whatever screen, and the split that is tuned on; λ and mask value are the sidebar's."""
    said, classes = st.session_state, view.diagnosis.erm.num_classes
    config = TuneConfig(
        threshold=view.threshold,
        mask_value=view.mask_value,
        epochs=said.get("epochs", DEFAULTS.epochs),
        batch_size=max(said.get("batch", DEFAULTS.batch_size), classes),  # another project may have had fewer
        learning_rate=said.get("rate", DEFAULTS.learning_rate),
        seed=said.get("seed", DEFAULTS.seed),
        select=said.get("select", DEFAULTS.select),
    )
    return config, HALVES if said.get("tuning") == HALVES else view.diagnosis.project.content["roles"]["tuning"]
