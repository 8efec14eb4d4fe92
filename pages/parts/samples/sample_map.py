"""The map of a split's samples, to draw outlines on: by principal axes at once, by UMAP once a job has computed it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import streamlit as st

from neurontune_core.evaluation.outlines import from_text, rows_within
from neurontune_core.evaluation.umap_projection import FEWEST
from neurontune_core.figures.sample_map import MOST_POINTS, sample_map
from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.session.index_ranges import Indices
from neurontune_core.session.latest_results import LatestResults
from neurontune_core.session.measured_split import MeasuredSplit
from pages.parts.frame.state import workspace
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, plain
from pages.parts.samples.outlines import TOOLS, Outlines

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PRINCIPAL, UMAP = "principal axes", "UMAP"
AXES = {PRINCIPAL: ("first principal axis", "second principal axis"), UMAP: ("", "")}
MEANWHILE = "Until then you see the principal axes."
_KEPT_FIGURES = 4  # of a split
_figures: WeakKeyDictionary[MeasuredSplit, LatestResults[Figure]] = WeakKeyDictionary()  # they go with their split


def drawn_rows(view: View) -> Indices:
    """Show the map, and return the rows of the split inside the outlines."""
    split = view.split
    requested = st.segmented_control(
        "Map", (PRINCIPAL, UMAP), default=PRINCIPAL, required=True, key="map_kind", bind="query-params",
        persist_state="session", help=HELP["map"], on_change=_start_at_first_choice, args=(view,),
    )  # fmt: skip
    if requested == UMAP and split.samples.num_samples < FEWEST:
        st.info(f"UMAP needs at least {FEWEST} samples; you see the principal axes.")
        requested = PRINCIPAL
    ready = requested == PRINCIPAL or split.umap() is not None
    if not ready:
        _missing_map(view)
    kind = requested if ready else PRINCIPAL
    st.caption(
        "Every sample by its embedding. Blue dots: correct. Red crosses: misclassified. Draw around samples with the "
        "lasso or the box of the chart's tools; with Shift, add another outline."
    )
    places = split.map if kind == PRINCIPAL else split.umap()
    with st.container(key="map"):
        outlines = Outlines("map", f"{view.name}-{split.name}-{kind}", in_url=kind == requested)
        figure = _figure(split, kind, outlines.first, outlines.revision)
        st.plotly_chart(figure, key=f"map-{kind}-{view.name}-{split.name}", config=TOOLS)
        rows = rows_within(places, outlines.selection())
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(places) > MOST_POINTS:
            st.caption(
                f"{MOST_POINTS:,} of {len(places):,} samples are drawn, at random; an outline selects all inside it."
            )
        st.button(
            "Clear", key="clear_map", on_click=outlines.clear, disabled=not len(rows), help="Remove all outlines.",
        )  # fmt: skip
    return rows


def _figure(split: MeasuredSplit, kind: str, outlines: str, revision: int) -> Figure:
    """Return the map as a figure, the same object while nothing about it changes."""

    def draw() -> Figure:
        samples = split.samples
        labels = [samples.class_names[label] for label in samples.labels]
        names = [f"{name}: {label}" for name, label in zip(samples.sample_ids, labels, strict=True)]
        places = split.map if kind == PRINCIPAL else split.umap()
        return sample_map(places, split.correct, names, AXES[kind], drawn=from_text(outlines), revision=revision)

    return _figures.setdefault(split, LatestResults(_KEPT_FIGURES)).get((kind, outlines, revision), draw)


def _jobs(view: View) -> list[Job]:
    """Return the jobs that compute the map of these embeddings for this project, the newest first."""
    expected = {"folder": str(view.diagnosis.project.folder), "fingerprint": view.split.samples.fingerprint}
    jobs = JobStore(workspace().jobs).list()
    return [job for job in jobs if job.task == "umap" and expected.items() <= job.config.items()]


def _start(view: View) -> None:
    project, samples = view.diagnosis.project, view.split.samples
    config = {"source": str(project.source), "folder": str(project.folder), "split": samples.split}
    config["fingerprint"] = samples.fingerprint
    JobStore(workspace().jobs).submit("umap", config, title=f"UMAP of {project.title}, {samples.split}")


def _start_at_first_choice(view: View) -> None:
    """Compute the map when a person chooses it for the first time."""
    enough = view.split.samples.num_samples >= FEWEST
    if enough and st.session_state["map_kind"] == UMAP and view.split.umap() is None and not _jobs(view):
        _start(view)


def _missing_map(view: View) -> None:
    """Show the progress of the job that computes the map; without one, offer to start it."""
    job = next(iter(_jobs(view)), None)
    status = job.status() if job else None
    if job and status and not status.finished:
        _progress(job)
        return
    problem = status.error if status and status.error else "This map is not computed yet."
    st.info(f"{plain(problem)} {MEANWHILE}")
    st.button("Compute the map", on_click=_start, args=(view,), key="make_map")


@st.fragment(run_every=0.5)
def _progress(job: Job) -> None:
    status = job.status()
    if status.finished:
        st.rerun()  # the whole screen, which shows the map or why there is none
    text, stop = st.columns([5, 1], vertical_alignment="center")
    message = "waiting for another job" if status.state == "queued" else status.message or "starting"
    minutes, seconds = divmod(int((datetime.now() - job.created).total_seconds()), 60)
    share = status.done / status.total if status.total else 0.0
    text.progress(min(share, 1.0), f"Computing UMAP, {minutes}:{seconds:02d}: {message} … {MEANWHILE}")
    stop.button("Cancel", on_click=job.cancel, key="cancel_map")
