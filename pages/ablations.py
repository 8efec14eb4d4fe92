"""Ablations: vary one thing and see what it does, each with one click."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.experiments.studies import STUDIES, StudyResult, saved_study, study_config
from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.studies import study_figure
from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.tables import rows_to_csv, to_latex, to_markdown
from pages.parts.frame.job_banner import job_banner
from pages.parts.frame.state import View, current_view, workspace
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import plain
from pages.parts.results.method_settings import method_settings

WITHOUT_SEEDS = ("stability", "cost")


def jobs_of_project(view: View, store: JobStore) -> list[Job]:
    """The studies of this project, the newest first."""
    mine = str(view.diagnosis.project.folder)
    return [job for job in store.list() if job.task == "ablate" and job.config["folder"] == mine]


def ask(view: View, store: JobStore, key: str) -> None:
    st.markdown(STUDIES[key].question)
    seeds = 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if key not in WITHOUT_SEEDS:
            seeds = st.number_input("Seeds", 1, 50, 3, width=140, **in_url("study_seeds"),
                help="Every setting runs this often, with other batches (and other halves).")  # fmt: skip
        run = st.button("Run", key="run_study", type="primary", icon=":material/play_arrow:")
    given = {} if key == "cost" else method_settings(["neurontune"]).get("neurontune", {})
    if run:
        try:
            config = study_config(view.diagnosis.project, view.name, key, int(seeds), given)
            store.submit("ablate", config, title=STUDIES[key].title)
        except InputError as error:
            st.error(plain(str(error)))


@st.fragment(run_every=1.0)
def under_way(job: Job) -> None:
    status = job.status()
    if status.finished:
        st.rerun()
    job_banner(job, status, "runs" if job.config["study"] == "cost" else "rounds")


def result_of(found: StudyResult) -> None:
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.settings.items())
    done = "" if found.seeds == found.asked else f" · {found.seeds} of {found.asked} seeds done"
    st.caption(f"{datetime.fromtimestamp(found.created):%d %b %Y, %H:%M}{done}{f' · {settings}' if settings else ''}")
    if not found.parts:
        return
    if not found.fits(view.diagnosis.erm, view.diagnosis.sets):
        st.warning("The project was extracted anew since: these numbers belong to the embeddings it had before.")
    st.plotly_chart(study_figure(found), key="study_figure", config=NO_MODE_BAR)
    rows = found.table()
    st.dataframe(rows, hide_index=True, key="study_table", height="content")
    if found.key not in WITHOUT_SEEDS:
        measured_on = plain(view.diagnosis.project.content["roles"]["evaluation"])
        st.caption(
            f'In per cent on the project\'s evaluation split, "{measured_on}", whatever the sidebar says; mean ± '
            "standard deviation over seeds. Biased neurons: in the epoch that was kept. With a mask value of 1 they "
            "are counted and nothing is masked."
        )
    with st.container(horizontal=True):
        for name, ending, text in (("CSV", "csv", rows_to_csv(rows)), ("Markdown", "md", to_markdown(rows)),
                                   ("LaTeX", "tex", to_latex(rows))):  # fmt: skip
            st.download_button(name, text, f"{found.key}.{ending}", key=f"study-{ending}", on_click="ignore",
                icon=":material/download:")  # fmt: skip
    if paper := found.published():
        st.markdown("**Published** (NeuronTune, ICML 2025; other networks and data, so look at the differences)")
        st.dataframe(paper, hide_index=True, key="study_paper", height="content")


view, store = current_view(), JobStore(workspace().jobs)
st.title("Ablations")
st.markdown("Vary one thing, leave the rest as it is, and see what it does on this project.")
key = st.selectbox("Study", list(STUDIES), format_func=lambda each: STUDIES[each].title, **in_url("study"))
ask(view, store, key)
newest = next(iter(jobs_of_project(view, store)), None)
if newest is not None:
    status = newest.status()
    if not status.finished:
        under_way(newest)
    elif status.state == "cancelled" and newest.config["study"] == key:
        st.info("Cancelled; the seeds that were done by then are below.")
    elif status.state in ("failed", "lost") and newest.config["study"] == key:
        st.error(plain(str(status.error)))
found = saved_study(view.diagnosis.project, key)
if found is not None:
    result_of(found)
elif newest is None or newest.status().finished:
    st.info("Not run yet on this project. Three seeds take from a few seconds to a minute on the built-in example.")
