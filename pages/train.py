"""Train: a classifier trained the ordinary way, with live curves; what everything else here starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from neurontune_core.datasets import guess_dataset
from neurontune_core.errors import InputError
from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.models.packaged import packaged_models
from pages.parts.frame.state import workspace
from pages.parts.frame.words import plain
from pages.parts.results.training import curves, history_of, settings, state_line, trainings

FAMILIES = ("torchvision", "timm", "huggingface_image", "huggingface_text", "efficientnet_lite", "cifar_resnet")
OWN = "a checkpoint of my own"
PRESET = {
    "": "what suits the data: its published settings, else a small default",
    "images": "pictures, small default",
    "texts": "texts, small default",
    "waterbirds": "Waterbirds, as published",
    "celeba": "CelebA, as published",
    "imagenet9": "ImageNet-9, as published",
    "multinli": "MultiNLI, as published",
    "civilcomments": "CivilComments, as published",
}
store = JobStore(workspace().jobs)


def model_spec() -> dict[str, Any]:
    """What training starts from."""
    ready = packaged_models()
    start = st.selectbox(
        "Start from", [*ready, OWN], key="train_start", persist_state="session",
        help="The weights that training changes. Starting from a network that already sees or reads takes far less "
        "data than starting from nothing. Its last layer gives way to one for your classes.",
    )  # fmt: skip
    if start != OWN:
        return ready[start]
    one, two = st.columns(2)
    family = one.selectbox("Model family", FAMILIES, key="train_family", persist_state="session")
    architecture = two.text_input("Architecture", placeholder="resnet50", key="train_arch", persist_state="session")
    weights = st.text_input("Weights file, or Hugging Face folder", key="train_weights", persist_state="session")
    file = Path(weights).expanduser()
    spec = {"family": family, "weights": str(file.resolve()) if weights and file.exists() else weights}
    return spec | ({"architecture": architecture} if architecture else {})


def submit(name: str, data: str, model: dict[str, Any], preset: str, changed: dict[str, Any]) -> None:
    out = workspace().new_training(name)
    guess = guess_dataset(Path(data).expanduser())
    if model.get("weights", "imagenet") not in ("imagenet", "random") and not Path(model["weights"]).exists():
        raise InputError(f'There is no weights file or model folder "{model["weights"]}".')
    config = {"model": model, "dataset": guess.spec, "base": str(out.parent), "out": str(out), "name": name}
    job = store.submit("train", config | {"preset": preset or None, "settings": changed}, title=f"Train {name}")
    st.session_state["choose_training"] = job.id
    st.toast(plain(guess.description))  # what was understood, beyond the rerun


def new_training() -> None:
    st.subheader("A new training")
    with st.container(border=True):
        one, two = st.columns(2)
        name = one.text_input("Name", key="train_name", placeholder="birds", persist_state="session")
        data = two.text_input(
            "Folder or table of the data", key="train_data", persist_state="session",
            help="A folder class/… or split/class/…, one with a table of pictures or texts, or a published data set as "
            "it is unpacked. Without a validation split, a seeded fifth of the training samples becomes one.",
        )  # fmt: skip
        model = model_spec()
        preset = st.selectbox(
            "Settings", list(PRESET), format_func=PRESET.__getitem__, key="train_preset",
            persist_state="session", help="The published ones are those of the paper's Table 9, and need a GPU. Choose "
            "one to change it setting by setting.",
        )  # fmt: skip
        changed = {}
        if preset:
            with st.expander("Setting by setting", expanded=True):
                changed = settings(preset)
        if st.button("Check and train", type="primary", key="train_submit"):
            try:
                submit(name, data, model, preset, changed)
                st.rerun()
            except InputError as error:
                st.error(plain(str(error)))


def again(job: Job) -> None:
    """The same training again goes on from its last whole epoch."""
    st.session_state["training"] = store.submit("train", job.config, title=job.title).id


def to_project(job: Job) -> None:
    """Extract the data with the trained model into a project of the same name; noted, as a page switch in a fragment is
    lost when its clock ticks at that moment."""
    name, number, made = job.config["name"], 1, job.status().result or {}
    while name in workspace().names():
        name, number = f"{job.config['name']}-{number}", number + 1
    out = workspace().new_folder(name)
    config = {"model": {"weights": made["model"]}, "dataset": made["dataset"], "base": str(out), "out": str(out)}
    store.submit("extract", config | {"name": name, "title": name}, title=f"Extract {name}")
    st.session_state["taken_on"] = True


@st.fragment(run_every=1.0)
def progress(job: Job) -> None:
    if "taken_on" in st.session_state:
        st.rerun()
    status, history = job.status(), history_of(job)
    bar, button = st.columns([5, 1], vertical_alignment="center")
    share = 1.0 if status.state == "done" else status.done / status.total if status.total else 0.0
    bar.progress(min(1.0, share), state_line(job, status))
    if not status.finished:
        button.button("Cancel", key="train_cancel", on_click=job.cancel, help="Whole epochs are kept.")
    elif status.state != "done":
        button.button("Resume", key="train_resume", on_click=again, args=(job,), help="From its last whole epoch.")
    if status.error:
        st.error(plain(status.error))
    curves(job, status, history)
    for remark in history.remarks:
        st.caption(plain(remark))
    if status.state == "done":
        st.button(
            "Extract into a project", key="train_extract", type="primary", on_click=to_project, args=(job,),
            help="Runs all samples through the trained model, so that its neurons can be looked at.",
        )  # fmt: skip


if st.session_state.pop("taken_on", None):
    st.switch_page(Path(__file__).with_name("setup.py"), query_params={})
st.title("Train a classifier")
st.markdown(
    "The ordinary way (ERM, empirical risk minimisation): make as few mistakes as possible on the training samples, on "
    "average. That is how shortcuts get in, and where NeuronTune starts. If you have a trained classifier already, go "
    "to **Setup** instead. Groups, where the data has them, are measured here and never used."
)
found = {job.id: job for job in trainings(store)}
if found:
    if (wanted := st.session_state.pop("choose_training", None)) in found:
        st.session_state["training"] = wanted
    if st.session_state.get("training") not in found:
        st.session_state["training"] = next(iter(found))
    chosen = st.selectbox(
        "Training", list(found), key="training", format_func=lambda each: found[each].config["name"],
        help="They go on when this page is closed, and after a restart of the app.",
    )  # fmt: skip
    progress(found[chosen])
new_training()
