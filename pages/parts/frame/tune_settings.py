"""Settings of a retraining: the form of the Retrain screen, which counts on every screen."""

from __future__ import annotations

from typing import Any

import streamlit as st

from neurontune_core.identification.agreement import STABLE
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.presets import PRESETS
from neurontune_core.tuning.published_presets import ALL_PRESETS, TABLE_10
from neurontune_core.workspace.run import HALVES
from pages.parts.frame.url_state import UrlChoice
from pages.parts.frame.view import View, current_view
from pages.parts.frame.words import HELP

SELECT = {
    "sfit": "highest SFit (the paper)",
    "worst_class_accuracy": "highest worst-class accuracy",
    "last": "last epoch",
    "robust": "robust: late epochs averaged",
}
SHOWN = (*PRESETS, *(name for name in TABLE_10 if TABLE_10[name].config != TuneConfig()))
HALF = "half of the identification split"
DEFAULTS = TuneConfig()
RANGES = {"epochs": (1, 1_000), "rate": (1e-6, 1.0), "batch": (1, 1_000_000), "seed": (0, 10_000)}


def _number(key: str, default: float) -> UrlChoice:
    kind, (low, high) = type(default), RANGES[key]

    def read(text: str) -> float:
        number = kind(text)
        if low <= number <= high:
            return number
        raise ValueError

    return UrlChoice(key, read, lambda number: "" if number == default else str(number))


def _option(key: str, texts: dict[Any, str]) -> UrlChoice:
    """Return a choice whose values are written to the URL as texts; those without a text are left out."""
    values = {text: value for value, text in texts.items()}
    return UrlChoice(key, values.__getitem__, lambda value: texts.get(value, ""))


TUNING = _option("tuning", {HALVES: HALF})
KEPT = _option("select", {name: text for name, text in SELECT.items() if name != DEFAULTS.select})
EPOCHS = _number("epochs", DEFAULTS.epochs)
RATE = _number("rate", DEFAULTS.learning_rate)
BATCH = _number("batch", DEFAULTS.batch_size)
SEED = _number("seed", DEFAULTS.seed)
OPTIMIZER = _option("optimizer", {"adamw": "adamw"})
ASK_ADVISER = _option("adviser", {False: "false"})
SETTINGS = (TUNING, KEPT, EPOCHS, RATE, BATCH, SEED, OPTIMIZER, ASK_ADVISER)


def settings(view: View) -> None:
    """Show the form, and the presets that fill it."""
    with st.container(horizontal=True, gap="small"):
        for name in SHOWN:
            st.button(
                ALL_PRESETS[name].label, key=f"preset-{name}", on_click=_apply, args=(name,), type="tertiary",
                icon=":material/restart_alt:", help=f"{ALL_PRESETS[name].explanation} Sets every setting below.",
            )  # fmt: skip
    tuning, kept, optimizer, epochs, rate, batch, seed = st.columns([3, 5, 3, 3, 3, 3, 3])
    tuning.selectbox(
        "Tune on",
        [view.diagnosis.project.content["roles"]["tuning"], HALVES],
        format_func=lambda name: HALF if name == HALVES else name,
        **TUNING.widget,
        help="Samples that train the head, in class-balanced batches. With half of the identification split, the "
        "other half identifies the neurons.",
    )
    kept.selectbox(
        "Keep the epoch with",
        list(SELECT),
        format_func=SELECT.__getitem__,
        **KEPT.widget,
        help=f"{HELP['sfit']} It is a noisy criterion; worst-class accuracy is often better. Robust masks only neurons "
        "whose score exceeds λ by two standard errors, and averages late epochs; the rule is ours.",
    )
    optimizer.selectbox("Optimizer", ["sgd", "adamw"], **OPTIMIZER.widget, help="AdamW for texts.")
    epochs.number_input("Epochs", *RANGES["epochs"], **EPOCHS.starting_at(DEFAULTS.epochs))
    rate.number_input("Learning rate", *RANGES["rate"], format="%g", **RATE.starting_at(DEFAULTS.learning_rate))
    batch.number_input(
        "Batch size", *RANGES["batch"], **BATCH.starting_at(_usual_batch(view.diagnosis)),
        help="Samples of a batch, equally many of each class and at least one.",
    )  # fmt: skip
    seed.number_input("Seed", *RANGES["seed"], **SEED.starting_at(DEFAULTS.seed))
    if st.session_state.get("select") == "robust" and view.diagnosis.num_misclassified:
        stable, masked = view.diagnosis.masked_neurons(view.threshold, STABLE), view.masked
        st.caption(
            f"Robust starts with the stable part of the mask on screen: {stable.sum()} of {masked.sum()} neurons."
        )


def _apply(name: str) -> None:
    """Set the form to a preset; λ and the mask value stay as the sidebar has them."""
    config, state = ALL_PRESETS[name].config, st.session_state
    state["tuning"] = current_view().diagnosis.project.content["roles"]["tuning"]
    state["select"], state["epochs"], state["rate"] = config.select, config.epochs, config.learning_rate
    state["optimizer"] = config.optimizer
    state["batch"], state["seed"] = _usual_batch(current_view().diagnosis), config.seed


def _usual_batch(diagnosis: Diagnosis) -> int:
    """Return the default batch size, with room for one sample of each class."""
    return max(DEFAULTS.batch_size, diagnosis.erm.num_classes)


def follow_classes(diagnosis: Diagnosis) -> None:
    """Give the form the default batch size of the open project, where it holds that of another project."""
    state, usual = st.session_state, _usual_batch(diagnosis)
    if state.get("batch", usual) == state.get("usual_batch", usual) != usual:
        state["batch"] = usual
    state["usual_batch"] = usual


def chosen(view: View) -> tuple[TuneConfig, str]:
    """Return the settings of a retraining, and the split to tune on; λ and the mask value are the sidebar's."""
    state = st.session_state
    select = state.get("select", DEFAULTS.select)
    config = TuneConfig(
        threshold=view.threshold,
        mask_value=view.mask_value,
        epochs=state.get("epochs", DEFAULTS.epochs),
        batch_size=max(state.get("batch", DEFAULTS.batch_size), view.diagnosis.erm.num_classes),
        learning_rate=state.get("rate", DEFAULTS.learning_rate),
        optimizer=state.get("optimizer", DEFAULTS.optimizer),
        seed=state.get("seed", DEFAULTS.seed),
        select=select,
        stability=PRESETS[select].config.stability if select in PRESETS else view.stability,
    )
    return config, HALVES if state.get("tuning") == HALVES else view.diagnosis.project.content["roles"]["tuning"]
