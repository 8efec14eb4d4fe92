"""How the head is retrained: what is asked on the Retrain screen, before λ and the mask value of the sidebar."""

from __future__ import annotations

import streamlit as st

from neurontune_core.config import TuneConfig
from neurontune_core.workspace import HALVES
from pages.parts.address import keep
from pages.parts.state import View
from pages.parts.words import HELP

SELECT = {
    "sfit": "highest SFit (the paper)",
    "worst_class_accuracy": "highest worst-class accuracy",
    "last": "last epoch",
}
DEFAULTS = TuneConfig()


def settings(here: View) -> None:
    """The form."""
    roles = here.diagnosis.project.content["roles"]
    splits = [roles["tuning"], HALVES]
    words = {HALVES: f"half of {roles['identification']} (the other half identifies)"}
    one, two, three, four, five, six = st.columns([4, 4, 3, 3, 3, 3])
    one.selectbox(
        "Tune on",
        splits,
        format_func=lambda name: words.get(name, name),
        **keep("tuning"),
        help="The samples that the head is retrained on, in class-balanced batches.",
    )
    two.selectbox(
        "Keep the epoch with",
        list(SELECT),
        format_func=SELECT.__getitem__,
        **keep("select"),
        help=f"SFit: {HELP['sfit']} It is a noisy judge; worst class is often the better one.",
    )
    three.number_input("Epochs", 1, 1000, DEFAULTS.epochs, **keep("epochs"))
    four.number_input("Learning rate", 1e-6, 1.0, DEFAULTS.learning_rate, format="%g", **keep("rate"))
    five.number_input(
        "Batch size", 1, 1_000_000, max(DEFAULTS.batch_size, here.diagnosis.erm.num_classes), **keep("batch"),
        help="Samples of a batch, as many of each class and at least one.",
    )  # fmt: skip
    six.number_input("Seed", 0, 10_000, DEFAULTS.seed, **keep("seed"))


def chosen(here: View) -> tuple[TuneConfig, str]:
    """What the form says, on whatever screen, and the split that is tuned on; λ and mask value are the sidebar's."""
    said, classes = st.session_state, here.diagnosis.erm.num_classes
    config = TuneConfig(
        threshold=here.threshold,
        mask_value=here.mask_value,
        epochs=said.get("epochs", DEFAULTS.epochs),
        batch_size=max(said.get("batch", DEFAULTS.batch_size), classes),  # another project may have had fewer
        learning_rate=said.get("rate", DEFAULTS.learning_rate),
        seed=said.get("seed", DEFAULTS.seed),
        select=said.get("select", DEFAULTS.select),
    )
    return config, HALVES if said.get("tuning") == HALVES else here.diagnosis.project.content["roles"]["tuning"]
