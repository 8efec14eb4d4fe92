"""Jobs of the open project: the newest ones, their progress, and a button that cancels."""

from __future__ import annotations

import streamlit as st

from neurontune_core.jobs.store import Job, JobStatus, JobStore
from pages.parts.frame.view import View


def jobs_of_project(view: View, store: JobStore, task: str) -> list[Job]:
    """Return the jobs of a task in the open project, the newest first."""
    folder = str(view.diagnosis.project.folder)
    return [job for job in store.list() if job.task == task and job.config["folder"] == folder]


def job_banner(job: Job, status: JobStatus, unit: str) -> None:
    """Show the progress of a job, counted in a unit such as "runs"."""
    bar, button = st.columns([8, 1], vertical_alignment="center")
    bar.progress(status.done / status.total if status.total else 0.0, _text(job, status, unit))
    button.button("Cancel", key=f"cancel-{job.id}", on_click=job.cancel, help="Keeps what is done so far.")


def _text(job: Job, status: JobStatus, unit: str) -> str:
    if status.state == "queued":
        return f"{job.title} · waiting for another job"
    left = "" if status.seconds_left is None else f" · about {max(1, round(status.seconds_left))} s left"
    count = f" · {status.done} of {status.total} {unit}{left}" if status.total else " · starting"
    return f"{job.title}{count} · {status.message}" if status.message else f"{job.title}{count}"
