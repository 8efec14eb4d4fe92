"""The map of a split's samples, to draw on: by principal axes at once, by UMAP when a job has made it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import streamlit as st

from neurontune_core.evaluation.outlines import from_text, rows_within
from neurontune_core.evaluation.umap_projection import FEWEST
from neurontune_core.figures.sample_map import MOST_POINTS, sample_map
from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.session.index_ranges import Indices
from neurontune_core.session.measured_split import MeasuredSplit
from pages.parts.frame.state import View, workspace
from pages.parts.frame.words import HELP, plain
from pages.parts.samples.outlines import TOOLS, Outlines

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PRINCIPAL, UMAP = "principal axes", "UMAP"
AXES = {PRINCIPAL: ("first principal axis", "second principal axis"), UMAP: ("", "")}


def drawn_rows(view: View) -> Indices:
    """The rows of the split inside what is drawn on the map."""
    split = view.split
    wanted = st.segmented_control(
        "Map", (PRINCIPAL, UMAP), default=PRINCIPAL, required=True, key="map_kind", bind="query-params",
        persist_state="session", help=HELP["map"], on_change=_ask, args=(view,),
    )  # fmt: skip
    if wanted == UMAP and view.split.samples.num_samples < FEWEST:
        st.info(f"UMAP needs at least {FEWEST} samples; you see the principal axes.")
        wanted = PRINCIPAL
    ready = wanted == PRINCIPAL or split.umap() is not None
    if not ready:
        _under_way(view)
    kind = wanted if ready else PRINCIPAL
    st.caption(
        "Every sample by its embedding, flattened. Blue dots: right. Red crosses: wrong. Draw around samples "
        "(lasso), or use the box from the chart's tools; with Shift, add another outline."
    )
    places = split.map if kind == PRINCIPAL else split.umap()
    with st.container(key="map"):
        chart = f"{view.name}-{split.name}-{kind}"
        outlines = Outlines("map", chart, in_address=kind == wanted)
        picture = _picture(split, kind, outlines.first, outlines.revision)
        st.plotly_chart(picture, key=f"map-{kind}-{view.name}-{split.name}", config=TOOLS)
        rows = rows_within(places, outlines.selection())
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(places) > MOST_POINTS:
            st.caption(
                f"{MOST_POINTS:,} of {len(places):,} samples are drawn, at random; what you draw around takes all."
            )
        st.button(
            "Clear",
            key="clear_map",
            on_click=outlines.clear,
            disabled=not len(rows),
            help="Forget what is drawn on the map.",
        )
    return rows


@lru_cache(8)
def _picture(split: MeasuredSplit, kind: str, outlines: str, revision: int) -> Figure:
    each = split.samples
    names = [f"{name}: {each.class_names[label]}" for name, label in zip(each.sample_ids, each.labels, strict=True)]
    places = split.map if kind == PRINCIPAL else split.umap()
    drawn = from_text(outlines)
    return sample_map(places, split.correct, names, AXES[kind], drawn=drawn, revision=revision)


def _jobs(view: View) -> list[Job]:
    """Those for these vectors, the newest first."""
    fingerprint = view.split.samples.fingerprint
    jobs = JobStore(workspace().jobs).list()
    return [job for job in jobs if job.task == "umap" and job.config["fingerprint"] == fingerprint]


def _start(view: View) -> None:
    project, each = view.diagnosis.project, view.split.samples
    config = {"source": str(project.source), "folder": str(project.folder), "split": each.split}
    config["fingerprint"] = each.fingerprint
    JobStore(workspace().jobs).submit("umap", config, title=f"UMAP of {project.title}, {each.split}")


def _ask(view: View) -> None:
    """Whoever chooses the map for the first time wants it made."""
    enough = view.split.samples.num_samples >= FEWEST
    if enough and st.session_state["map_kind"] == UMAP and view.split.umap() is None and not _jobs(view):
        _start(view)


@st.fragment(run_every=0.5)
def _under_way(view: View) -> None:
    job = next(iter(_jobs(view)), None)
    status = job.status() if job else None
    if status is None or status.state in ("failed", "cancelled", "lost", "done"):
        if status and status.state == "done" and view.split.umap() is not None:
            st.rerun()
        said = status.error if status and status.error else "This map has not been made yet."
        st.info(f"{plain(said)} Until then you see the principal axes.")
        st.button("Make the map", on_click=_start, args=(view,), key="make_map")
        return
    text, stop = st.columns([5, 1], vertical_alignment="center")
    waits = "waiting for another job to end" if status.state == "queued" else status.message or "starting"
    minutes, seconds = divmod(int((datetime.now() - job.created).total_seconds()), 60)
    share = status.done / status.total if status.total else 0.0
    text.progress(
        min(share, 1.0),
        f"UMAP is being made, {minutes}:{seconds:02d}: {waits} … Until then you see the principal axes.",
    )
    stop.button("Cancel", on_click=job.cancel, key="cancel_map")
