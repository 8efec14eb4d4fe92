"""Setup: a new project from data and a model, the extractions, and the open project."""

from pathlib import Path

import streamlit as st

from neurontune_core.jobs.store import Job, JobStore
from pages.parts.frame.state import workspace
from pages.parts.frame.view import View
from pages.parts.frame.words import plain
from pages.parts.setup.inspection import own_model_and_data

SHOWN = 5  # extractions
store = JobStore(workspace().jobs)


def about(view: View) -> None:
    """Show what the open project is made of, and offer to compute it again."""
    project = view.diagnosis.project
    roles, spec = project.content["roles"], project.content.get("model") or {}
    model = str(spec.get("architecture") or spec.get("family") or "none, embeddings only")
    st.subheader(plain(project.title))
    st.markdown(
        f"Model: **{plain(model)}** · biased neurons are identified on **{plain(roles['identification'])}**, the head "
        f"is tuned on **{plain(roles['tuning'])}** and measured on **{plain(roles['evaluation'])}**."
    )
    if spec and st.button("Extract again", help="Computes the embeddings from the samples again, as a new project."):
        number = 1
        while (name := f"{view.name}-{number}") in workspace().names():
            number += 1
        config = {key: project.content[key] for key in ("model", "dataset", "problem") if key in project.content}
        config |= {"base": str(project.source), "out": str(workspace().new_folder(name)), "name": name}
        store.submit("extract", config | {"title": f"{project.title} (extracted again)"}, title=f"Extract {name}")
        st.rerun()


def resume(job: Job) -> None:
    """Submit the same work again, which continues where the first attempt stopped."""
    store.submit(job.task, job.config, title=job.title)


def open_project(name: str) -> None:
    """Note the project that the next run of the script opens: Streamlit may lose a page switch in a fragment."""
    st.session_state["opened"] = name


def extractions() -> list[Job]:
    """Return the extractions that are shown, the newest first."""
    return [job for job in store.list() if job.task == "extract"][:SHOWN]


def show_extractions(running: bool) -> None:
    """Show the progress of the extractions, and what can be done with each.

    Args:
        running: whether the fragment is refreshed; when that no longer fits the jobs, the whole screen runs again.
    """
    jobs = extractions()
    if "opened" in st.session_state or running != any(not job.status().finished for job in jobs):
        st.rerun()
    st.subheader("Extractions")
    if not jobs:
        st.caption("None yet. They continue when this screen is closed, and after a restart of the app.")
    for job in jobs:
        status = job.status()
        text, button = st.columns([8, 1], vertical_alignment="center")
        left = "" if status.seconds_left is None else f" · {status.seconds_left:.0f} s left"
        rate = f" · {status.rate:.1f} samples per second{left}" if status.state == "running" and status.rate else ""
        count = f" · {status.done} of {status.total}" if status.total else ""
        text.progress(status.done / status.total if status.total else 0.0, f"{job.title} · {status.state}{count}{rate}")
        if not status.finished:
            button.button("Cancel", key=f"cancel-{job.id}", on_click=job.cancel)
        elif status.state != "done":
            button.button("Resume", key=f"resume-{job.id}", on_click=resume, args=(job,))
        elif job.config["name"] in workspace().names():
            button.button("Open", key=f"open-{job.id}", on_click=open_project, args=(job.config["name"],))
        if status.error:
            st.error(plain(status.error))
    for sentence in store.damaged():
        st.warning(plain(sentence))


if "opened" in st.session_state:
    st.switch_page(Path(__file__).with_name("overview.py"), query_params={})
st.title("Setup")
own_model_and_data(store)
running = any(not job.status().finished for job in extractions())
st.fragment(show_extractions, run_every=1.0 if running else None)(running)
view: View | None = st.session_state.get("view")
if view is not None:
    about(view)
