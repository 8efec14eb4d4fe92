"""The form of a new training: name, data, the model to start from, and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from neurontune_core.datasets import guess_dataset
from neurontune_core.errors import InputError
from neurontune_core.jobs.store import JobStore
from neurontune_core.models import NAMED_FAMILIES
from neurontune_core.models.packaged import packaged_models
from pages.parts.frame.state import workspace
from pages.parts.frame.words import plain
from pages.parts.setup.training_settings import training_settings

OWN = "a checkpoint of my own"
PRESETS = {
    "": "automatic: as published for this dataset, else a small default",
    "images": "images, small default",
    "texts": "texts, small default",
    "waterbirds": "Waterbirds, as published",
    "celeba": "CelebA, as published",
    "imagenet9": "ImageNet-9, as published",
    "multinli": "MultiNLI, as published",
    "civilcomments": "CivilComments, as published",
}


def new_training(store: JobStore) -> None:
    """Show the form, and start the training when it is sent."""
    st.subheader("A new training")
    with st.container(border=True):
        left, right = st.columns(2)
        name = left.text_input("Name", key="train_name", placeholder="birds", persist_state="session")
        data = right.text_input(
            "Folder or table of the data", key="train_data", persist_state="session",
            help="A folder class/… or split/class/…, a folder with a table of images or texts, or a published dataset "
            "as it is unpacked. Without a validation split, a seeded fifth of the training samples becomes one.",
        )  # fmt: skip
        model = _model_spec()
        preset = st.selectbox(
            "Settings", list(PRESETS), format_func=PRESETS.__getitem__, key="train_preset", persist_state="session",
            help="Published settings are those of the paper's Table 9 and need a GPU. Choose a preset to change its "
            "settings one by one.",
        )  # fmt: skip
        changed: dict[str, Any] = {}
        if preset:
            with st.expander("All settings", expanded=True):
                changed = training_settings(preset)
        if st.button("Check and train", type="primary", key="train_submit"):
            try:
                _submit(store, name, data, model, preset, changed)
                st.rerun()
            except InputError as error:
                st.error(plain(str(error)))


def _model_spec() -> dict[str, Any]:
    """Show the models to start from, and return the spec of the chosen one."""
    ready = packaged_models()
    start = st.selectbox(
        "Start from", [*ready, OWN], key="train_start", persist_state="session",
        help="The weights that training changes. A pretrained network needs far less data than an untrained one. Its "
        "last layer is replaced by one for your classes.",
    )  # fmt: skip
    if start != OWN:
        return ready[start]
    left, right = st.columns(2)
    family = left.selectbox("Model family", NAMED_FAMILIES, key="train_family", persist_state="session")
    architecture = right.text_input("Architecture", placeholder="resnet50", key="train_arch", persist_state="session")
    weights = st.text_input("Weights file, or Hugging Face folder", key="train_weights", persist_state="session")
    file = Path(weights).expanduser()
    spec = {"family": family, "weights": str(file.resolve()) if weights and file.exists() else weights}
    return spec | ({"architecture": architecture} if architecture else {})


def _submit(store: JobStore, name: str, data: str, model: dict[str, Any], preset: str, changed: dict[str, Any]) -> None:
    out = workspace().new_training(name)
    guess = guess_dataset(Path(data).expanduser())
    if model.get("weights", "imagenet") not in ("imagenet", "random") and not Path(model["weights"]).exists():
        raise InputError(f'There is no weights file or model folder "{model["weights"]}"; check the path.')
    config = {"model": model, "dataset": guess.spec, "base": str(out.parent), "out": str(out), "name": name}
    job = store.submit("train", config | {"preset": preset or None, "settings": changed}, title=f"Train {name}")
    st.session_state["choose_training"] = job.id
    st.toast(plain(guess.description))  # a toast stays over the rerun
