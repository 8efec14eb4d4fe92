"""Train: train a classifier by empirical risk minimization, with live curves."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.jobs.store import Job, JobStore
from pages.parts.frame.state import workspace
from pages.parts.frame.words import plain
from pages.parts.results.training import curves, history_of, state_line, trainings
from pages.parts.setup.new_training import new_training

store = JobStore(workspace().jobs)


def resume(job: Job) -> None:
    """Submit the same training again, which continues from its last whole epoch."""
    st.session_state["training"] = store.submit("train", job.config, title=job.title).id


def extract(job: Job) -> None:
    """Extract the data with the trained model into a project of the same name."""
    name, number, result = job.config["name"], 1, job.status().result or {}
    while name in workspace().names():
        name, number = f"{job.config['name']}-{number}", number + 1
    out = workspace().new_folder(name)
    config = {"model": {"weights": result["model"]}, "dataset": result["dataset"], "base": str(out), "out": str(out)}
    store.submit("extract", config | {"name": name, "title": name}, title=f"Extract {name}")
    st.session_state["extracting"] = True  # the next run leaves: Streamlit may lose a page switch in a fragment


def progress(job: Job, running: bool) -> None:
    """Show the state and the curves of a training.

    Args:
        running: whether the fragment is refreshed; when that no longer fits the job, the whole screen runs again.
    """
    status, history = job.status(), history_of(job)
    if "extracting" in st.session_state or running == status.finished:
        st.rerun()
    bar, button = st.columns([5, 1], vertical_alignment="center")
    share = 1.0 if status.state == "done" else status.done / status.total if status.total else 0.0
    bar.progress(min(1.0, share), state_line(job, status))
    if not status.finished:
        button.button("Cancel", key="train_cancel", on_click=job.cancel, help="Keeps whole epochs.")
    elif status.state != "done":
        button.button("Resume", key="train_resume", on_click=resume, args=(job,), help="From the last whole epoch.")
    if status.error:
        st.error(plain(status.error))
    curves(job, status, history)
    for remark in history.remarks:
        st.caption(plain(remark))
    if status.state == "done":
        st.button(
            "Extract into a project", key="train_extract", type="primary", on_click=extract, args=(job,),
            help="Extracts the embeddings of all samples, so that you can inspect the neurons.",
        )  # fmt: skip


if st.session_state.pop("extracting", None):
    st.switch_page(Path(__file__).with_name("setup.py"), query_params={})
st.title("Train a classifier")
st.markdown(
    "Empirical risk minimization (ERM): minimize the average loss on the training samples. This is how a classifier "
    "learns shortcuts, and where NeuronTune starts. If you have a trained classifier, go to **Setup** instead. Groups, "
    "where the data has them, only measure."
)
jobs = {job.id: job for job in trainings(store)}
if jobs:
    if (newest := st.session_state.pop("choose_training", None)) in jobs:
        st.session_state["training"] = newest
    if st.session_state.get("training") not in jobs:
        st.session_state["training"] = next(iter(jobs))
    chosen = st.selectbox(
        "Training", list(jobs), key="training", format_func=lambda name: jobs[name].config["name"],
        help="Trainings continue when this screen is closed, and after a restart of the app.",
    )  # fmt: skip
    running = not jobs[chosen].status().finished
    st.fragment(progress, run_every=1.0 if running else None)(jobs[chosen], running)
new_training(store)
