"""Compare: the methods of the paper's tables on this project, run as a job that can be cancelled and resumed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import streamlit as st

from neurontune_core.baselines.registry import METHODS
from neurontune_core.errors import InputError
from neurontune_core.experiments.comparison import Comparison, comparison_config, comparisons
from neurontune_core.experiments.leaderboard import leaderboard_rows
from neurontune_core.experiments.methods import ALWAYS, num_runs, with_always
from neurontune_core.figures.base import NO_MASKING
from neurontune_core.jobs.store import Job, JobStore
from pages.parts.frame.job_banner import job_banner, jobs_of_project
from pages.parts.frame.state import workspace
from pages.parts.frame.url_state import in_url
from pages.parts.frame.view import View, current_view
from pages.parts.frame.words import plain
from pages.parts.results.leaderboard import leaderboard, table
from pages.parts.results.method_settings import method_settings, named

CHOICES = [key for key in METHODS if key not in ALWAYS]
FIRST = ("neurontune", "neurontune_halves", "afr", "self")


def request_comparison(view: View, store: JobStore) -> None:
    """Show methods, seeds and settings, and submit the job when Compare is pressed."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keys = st.multiselect("Methods", CHOICES, FIRST, format_func=named, wrap=True, **in_url("methods"),
            help=f"ERM (the trained classifier) and {NO_MASKING} always run, too.")  # fmt: skip
        seeds = st.number_input("Seeds", 1, 50, 3, **in_url("seeds"), width=140,
            help="Number of runs of each method that draws at random.")  # fmt: skip
        pressed = st.button("Compare", key="compare", type="primary", icon=":material/play_arrow:")
    runs = sum(num_runs(METHODS[key], int(seeds)) for key in with_always(keys))
    st.caption(f"{len(with_always(keys))} methods, {runs} runs; deterministic methods run once.")
    options = method_settings([*keys, *ALWAYS])
    diagnosis = view.diagnosis
    for key in keys:
        lacking = [role for role in METHODS[key].groups_in if diagnosis.sets[role].groups is None]
        if lacking:
            st.warning(
                f"{METHODS[key].name} needs group labels, and the {lacking[0]} set of this project has none, so it "
                "cannot run. Your own groups only measure."
            )
    if pressed:
        try:
            config = comparison_config(diagnosis.project, view.name, keys, int(seeds), options)
            store.submit("compare", config, title=f"Compare {len(config['methods'])} methods")
        except InputError as error:
            st.error(plain(str(error)))


@st.fragment(run_every=1.0)
def progress(job: Job) -> None:
    """Show the progress of a running comparison, and its leaderboard so far."""
    status = job.status()
    if status.finished:
        st.rerun()
    job_banner(job, status, "runs")
    try:
        rows = leaderboard_rows(Comparison.load(Path(job.config["out"])).summaries)
    except InputError:  # nothing is saved yet
        return
    table(rows)


def show_end(job: Job) -> None:
    """Show why a comparison did not run to its end, and offer to resume it."""
    status = job.status()
    if status.state == "cancelled":
        st.info(f"{job.title}: cancelled after {status.done} of {status.total} runs, which are shown below.")
    elif status.state in ("failed", "lost"):
        st.error(plain(f"{job.title}: {status.error}"))
    if status.state in ("cancelled", "failed", "lost") and st.button("Resume", key=f"resume-{job.id}"):
        store.submit(job.task, job.config, title=job.title)
        st.rerun()


def saved_comparisons(view: View) -> None:
    """Show the chosen one of the saved comparisons."""
    saved = {comparison.id: comparison for comparison in comparisons(view.diagnosis.project)}
    if not saved:
        st.info("Nothing is compared yet. On the built-in examples, one seed of all methods takes under a minute.")
        return
    titles = {
        name: f"{datetime.fromtimestamp(comparison.created):%d %b %Y, %H:%M} · {len(comparison.summaries)} methods"
        + ("" if comparison.complete else " · not finished")
        for name, comparison in saved.items()
    }
    chosen = st.selectbox("Comparison", list(saved), format_func=titles.__getitem__, **in_url("comparison"))
    evaluation = plain(view.diagnosis.project.content["roles"]["evaluation"])
    st.caption(f'Measured on the evaluation split of the project, "{evaluation}", not on the split of the sidebar.')
    if not saved[chosen].fits(view.diagnosis.erm, view.diagnosis.sets):
        st.warning("The project was extracted anew since: these results belong to its earlier embeddings.")
    leaderboard(saved[chosen], view)


view, store = current_view(), JobStore(workspace().jobs)
st.title("Compare")
st.markdown(
    "Compare methods against spurious correlations on this project. All start from the same embeddings and the same "
    "trained head, and are measured on the same samples. Methods with group labels are marked; NeuronTune uses none."
)
request_comparison(view, store)
newest = next(iter(jobs_of_project(view, store, "compare")), None)
if newest is not None and not newest.status().finished:
    progress(newest)
else:
    if newest is not None:
        show_end(newest)
    saved_comparisons(view)
