"""Ablations: vary one setting and measure the effect on this project."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.experiments.studies import STUDIES, StudyResult, saved_study, study_config
from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.studies import study_figure
from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.tables import rows_to_csv, to_latex, to_markdown
from pages.parts.frame.job_banner import job_banner, jobs_of_project
from pages.parts.frame.state import workspace
from pages.parts.frame.url_state import in_url
from pages.parts.frame.view import View, current_view
from pages.parts.frame.words import plain
from pages.parts.results.method_settings import method_settings

WITHOUT_SEEDS = ("stability", "cost")


def request_study(view: View, store: JobStore, key: str) -> None:
    """Show question, seeds and settings of a study, and submit the job when Run is pressed."""
    st.markdown(STUDIES[key].question)
    seeds = 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if key not in WITHOUT_SEEDS:
            seeds = st.number_input("Seeds", 1, 50, 3, width=140, **in_url("study_seeds"),
                help="Number of runs of each setting, with different batches (and halves).")  # fmt: skip
        pressed = st.button("Run", key="run_study", type="primary", icon=":material/play_arrow:")
    options = {} if key == "cost" else method_settings(["neurontune"]).get("neurontune", {})
    if pressed:
        try:
            config = study_config(view.diagnosis.project, view.name, key, int(seeds), options)
            store.submit("ablate", config, title=STUDIES[key].title)
        except InputError as error:
            st.error(plain(str(error)))


@st.fragment(run_every=1.0)
def progress(job: Job) -> None:
    """Show the progress of a running study."""
    status = job.status()
    if status.finished:
        st.rerun()
    job_banner(job, status, "runs" if job.config["study"] == "cost" else "rounds")


def show_result(view: View, result: StudyResult) -> None:
    """Show figure and table of a study, files to download, and the paper's numbers."""
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.settings.items())
    done = "" if result.seeds == result.asked else f" · {result.seeds} of {result.asked} seeds done"
    st.caption(f"{datetime.fromtimestamp(result.created):%d %b %Y, %H:%M}{done}{f' · {settings}' if settings else ''}")
    if not result.parts:
        return
    if not result.fits(view.diagnosis.erm, view.diagnosis.sets):
        st.warning("The project was extracted anew since: these results belong to its earlier embeddings.")
    st.plotly_chart(study_figure(result), key="study_figure", config=NO_MODE_BAR)
    rows = result.table()
    st.dataframe(rows, hide_index=True, key="study_table", height="content")
    if result.key not in WITHOUT_SEEDS:
        evaluation = plain(view.diagnosis.project.content["roles"]["evaluation"])
        st.caption(
            f'Percent on the evaluation split of the project, "{evaluation}", not on the split of the sidebar; mean ± '
            "standard deviation over seeds. Biased neurons: in the kept epoch. A mask value of 1 counts them and masks "
            "nothing."
        )
    with st.container(horizontal=True):
        texts = {"CSV": rows_to_csv(rows), "Markdown": to_markdown(rows), "LaTeX": to_latex(rows)}
        for (name, text), ending in zip(texts.items(), ("csv", "md", "tex"), strict=True):
            st.download_button(name, text, f"{result.key}.{ending}", key=f"study-{ending}", on_click="ignore",
                icon=":material/download:")  # fmt: skip
    if published := result.published():
        st.markdown("**Published** (NeuronTune, ICML 2025; other networks and data: compare the differences)")
        st.dataframe(published, hide_index=True, key="study_paper", height="content")


view, store = current_view(), JobStore(workspace().jobs)
st.title("Ablations")
st.markdown("Vary one setting, keep the others, and measure the effect on this project.")
key = st.selectbox("Study", list(STUDIES), format_func=lambda name: STUDIES[name].title, **in_url("study"))
request_study(view, store, key)
newest = next(iter(jobs_of_project(view, store, "ablate")), None)
if newest is not None:
    status = newest.status()
    if not status.finished:
        progress(newest)
    elif status.state == "cancelled" and newest.config["study"] == key:
        st.info("Cancelled; the finished seeds are shown below.")
    elif status.state in ("failed", "lost") and newest.config["study"] == key:
        st.error(plain(str(status.error)))
result = saved_study(view.diagnosis.project, key)
if result is not None:
    show_result(view, result)
elif newest is None or newest.status().finished:
    st.info("Not run on this project yet. Three seeds take seconds to a minute on the built-in example.")
