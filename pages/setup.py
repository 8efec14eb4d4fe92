"""Setup: a new project from data and a model, the extractions under way, and the open project."""

from pathlib import Path

import streamlit as st

from neurontune_core.jobs.store import Job, JobStore
from pages.parts.frame.state import current_view, workspace
from pages.parts.frame.words import plain
from pages.parts.setup.inspection import own_model_and_data

store = JobStore(workspace().jobs)


def about() -> None:
    """What the open project is made of, and how to recompute it."""
    project = current_view().diagnosis.project
    roles, spec = project.content["roles"], project.content.get("model") or {}
    model = str(spec.get("architecture") or spec.get("family") or "vectors alone")
    st.subheader(plain(project.title))
    st.markdown(
        f"Model: **{plain(model)}** · biased neurons are found on **{plain(roles['identification'])}**, the head is "
        f"tuned on **{plain(roles['tuning'])}** and measured on **{plain(roles['evaluation'])}**."
    )
    if spec and st.button("Extract again", help="Recomputes the embeddings from the pictures into a new project."):
        number = 1
        while (name := f"{current_view().name}-{number}") in workspace().names():
            number += 1
        config = {key: project.content[key] for key in ("model", "dataset", "problem") if key in project.content}
        config |= {"base": str(project.source), "out": str(workspace().new_folder(name)), "name": name}
        store.submit("extract", config | {"title": f"{project.title} (extracted again)"}, title=f"Extract {name}")


def resume(job: Job) -> None:
    """The same work again goes on where the first attempt stopped."""
    store.submit(job.task, job.config, title=job.title)


def open_made(name: str) -> None:
    """Noted until Overview shows it: when the fragment's clock ticks at that moment, a page switch in it is lost, and
    the project that was open comes back with the tick."""
    st.session_state["opened"] = name


@st.fragment(run_every=1.0)
def jobs() -> None:
    if "opened" in st.session_state:
        st.rerun()
    st.subheader("Extractions")
    shown = [job for job in store.list() if job.task == "extract"][:5]
    if not shown:
        st.caption("None yet. They go on when this page is closed, and after a restart of the app.")
    for job in shown:
        status = job.status()
        text, button = st.columns([8, 1], vertical_alignment="center")
        left = "" if status.seconds_left is None else f" · {status.seconds_left:.0f} s left"
        rate = f" · {status.rate:.1f} samples a second{left}" if status.state == "running" and status.rate else ""
        count = f" · {status.done} of {status.total}" if status.total else ""
        text.progress(status.done / status.total if status.total else 0.0, f"{job.title} · {status.state}{count}{rate}")
        if not status.finished:
            button.button("Cancel", key=f"cancel-{job.id}", on_click=job.cancel)
        elif status.state != "done":
            button.button("Resume", key=f"resume-{job.id}", on_click=resume, args=(job,))
        elif job.config["name"] in workspace().names():
            button.button("Open", key=f"open-{job.id}", on_click=open_made, args=(job.config["name"],))
        if status.error:
            st.error(plain(status.error))


if "opened" in st.session_state:
    st.switch_page(Path(__file__).with_name("overview.py"), query_params={})
st.title("Setup")
own_model_and_data(store)
jobs()
if st.session_state.get("view") is not None:
    about()
