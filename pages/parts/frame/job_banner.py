"""A job under way: how far it is, how long it will still take, and a button that stops it."""

from __future__ import annotations

import streamlit as st

from neurontune_core.jobs.store import Job, JobStatus


def job_bar(job: Job, status: JobStatus, unit: str) -> None:
    """Progress in units such as "runs", and Cancel."""
    text, button = st.columns([8, 1], vertical_alignment="center")
    if status.state == "queued":
        said = f"{job.title} · waits for the job before it"
    else:
        left = "" if status.seconds_left is None else f" · about {max(1, round(status.seconds_left))} s left"
        count = f" · {status.done} of {status.total} {unit}{left}" if status.total else " · starting"
        said = f"{job.title}{count} · {status.message}" if status.message else f"{job.title}{count}"
    text.progress(status.done / status.total if status.total else 0.0, said)
    button.button("Cancel", key=f"cancel-{job.id}", on_click=job.cancel, help="What is done by then is kept.")
