"""Progress of a running job, and a button that cancels it."""

from __future__ import annotations

import streamlit as st

from neurontune_core.jobs.store import Job, JobStatus


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
