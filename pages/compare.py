"""Compare: the methods of the paper's tables beside each other on this project, as a job that can be stopped."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import streamlit as st

from neurontune_core.baselines.registry import METHODS
from neurontune_core.errors import InputError
from neurontune_core.experiments.comparison import Comparison, comparison_config, comparisons
from neurontune_core.experiments.leaderboard import leaderboard_rows
from neurontune_core.experiments.methods import ALWAYS, num_runs, with_always
from neurontune_core.jobs.store import Job, JobStore
from pages.parts.frame.job_banner import job_banner
from pages.parts.frame.state import View, current_view, workspace
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import plain
from pages.parts.results.leaderboard import leaderboard, table
from pages.parts.results.method_settings import method_settings, named

CHOICES = [key for key in METHODS if key not in ALWAYS]
FIRST = ("neurontune", "neurontune_halves", "afr", "self")


def jobs_of_project(view: View, store: JobStore) -> list[Job]:
    """The comparisons of this project, the newest first."""
    mine = str(view.diagnosis.project.folder)
    return [job for job in store.list() if job.task == "compare" and job.config["folder"] == mine]


def ask(view: View, store: JobStore) -> None:
    """Which methods, how many seeds, which settings."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keys = st.multiselect("Methods", CHOICES, FIRST, format_func=named, wrap=True, **in_url("methods"),
            help="ERM (the classifier as it came) and masking off always run beside them.")  # fmt: skip
        seeds = st.number_input("Seeds", 1, 50, 3, **in_url("seeds"), width=140,
            help="Every method that draws at random runs this often, with other draws.")  # fmt: skip
        run = st.button("Compare", key="compare", type="primary", icon=":material/play_arrow:")
    runs = sum(num_runs(METHODS[key], int(seeds)) for key in with_always(keys))
    st.caption(f"{len(with_always(keys))} methods, {runs} runs; methods without chance in them run once.")
    given = method_settings([*keys, *ALWAYS])
    diagnosis = view.diagnosis
    for key in keys:
        lacking = [role for role in METHODS[key].groups_in if diagnosis.sets[role].groups is None]
        if lacking:
            st.warning(
                f"{METHODS[key].name} needs group labels, and the {lacking[0]} set of this project has none: it will "
                "be refused. Groups that you drew yourself are for measuring only."
            )
    if run:
        try:
            config = comparison_config(diagnosis.project, view.name, keys, int(seeds), given)
            store.submit("compare", config, title=f"Compare {len(config['methods'])} methods")
        except InputError as error:
            st.error(plain(str(error)))


@st.fragment(run_every=1.0)
def under_way(job: Job) -> None:
    status = job.status()
    if status.finished:
        st.rerun()
    job_banner(job, status, "runs")
    try:
        so_far = leaderboard_rows(Comparison.load(Path(job.config["out"])).summaries)
    except InputError:
        return
    table(so_far)


def last_words(job: Job) -> None:
    """Of the newest job, when it did not come to its end."""
    status = job.status()
    if status.state == "cancelled":
        st.info(f"{job.title}: cancelled after {status.done} of {status.total} runs; what was done is below.")
    elif status.state in ("failed", "lost"):
        st.error(plain(f"{job.title}: {status.error}"))
    if status.state in ("cancelled", "failed", "lost") and st.button("Go on where it stopped", key=f"resume-{job.id}"):
        store.submit(job.task, job.config, title=job.title)
        st.rerun()


def saved(view: View) -> None:
    found = {each.id: each for each in comparisons(view.diagnosis.project)}
    if not found:
        st.info("Nothing compared yet. On the built-in examples all methods with one seed take well under a minute.")
        return
    titles = {
        name: f"{datetime.fromtimestamp(each.created):%d %b %Y, %H:%M} · {len(each.summaries)} methods"
        + ("" if each.complete else " · not finished")
        for name, each in found.items()
    }
    chosen = st.selectbox("Comparison", list(found), format_func=titles.__getitem__, **in_url("comparison"))
    measured_on = plain(view.diagnosis.project.content["roles"]["evaluation"])
    st.caption(f'Measured on the project\'s evaluation split, "{measured_on}", whatever the sidebar says.')
    if not found[chosen].fits(view.diagnosis.erm, view.diagnosis.sets):
        st.warning("The project was extracted anew since: these numbers belong to the embeddings it had before.")
    leaderboard(found[chosen], view)


view, store = current_view(), JobStore(workspace().jobs)
st.title("Compare")
st.markdown(
    "How do the methods of the field do on this project? Each starts from the same embeddings and the same trained "
    "head, and all are measured on the same samples. Methods that use group labels say so; NeuronTune uses none."
)
ask(view, store)
newest = next(iter(jobs_of_project(view, store)), None)
if newest is not None and not newest.status().finished:
    under_way(newest)
else:
    if newest is not None:
        last_words(newest)
    saved(view)
