"""Two paths, an inspection of what lies there, corrections, and the extraction."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.jobs.store import JobStore
from neurontune_core.preflight.background import BackgroundInspection, Inspections
from neurontune_core.preflight.request import Request
from pages.parts.frame.state import workspace
from pages.parts.frame.words import plain
from pages.parts.setup.corrections import corrections
from pages.parts.setup.preflight import show

INSPECTIONS = Inspections()  # of all sessions, so that a reload finds its inspection again


def own_model_and_data(store: JobStore) -> None:
    """The fields, and below them the inspection that was asked for last."""
    st.subheader("Your own model and data")
    st.caption(
        "Paths on the machine that runs this app. Nothing slow starts before you have seen what was understood, and "
        "nothing in a checkpoint is ever run."
    )
    left, right = st.columns(2)
    data = left.text_input(
        "Folder or table of the data",
        key="data",
        bind="query-params",
        persist_state="session",
        placeholder="/data/birds",
        help="Folders `class/…` or `split/class/…`, a folder with a table of pictures or texts, a published data set "
        "as it is unpacked.",
    )
    weights = right.text_input(
        "Weights file, or model folder",
        key="weights",
        bind="query-params",
        persist_state="session",
        placeholder="/models/resnet50.pth",
        help="A safetensors file, a state dict, a Lightning checkpoint, a Hugging Face model's folder. The id of "
        "a hub model is only taken when it is on the list of allowed ones and in the local cache; nothing is fetched.",
    )
    if st.button("Look", type="primary", icon=":material/search:", help="Takes seconds; the page stays usable."):
        start(Request(data.strip(), weights.strip()))
    name = st.session_state.get("inspection") or st.query_params.get("inspection")
    found = INSPECTIONS.get(name)
    if found is None:
        if name:
            st.info("The app was restarted since this inspection; press Look to repeat it.")
        return
    st.query_params["inspection"] = name
    if found.running:
        waiting(found)
    elif found.report is None:
        st.error(plain(found.error))
    else:
        show(found.report)
        with st.expander("Correct what was understood", expanded=found.report.status == "blockers"):
            if (again := corrections(found.request, found.report, name)) is not None:
                start(again)
                st.rerun()
        if found.report.status != "blockers" and found.report.model and found.report.data:
            extract(found, store, name)


def start(request: Request) -> None:
    st.session_state["inspection"] = INSPECTIONS.start(request, workspace().root)


@st.fragment(run_every=0.4)
def waiting(inspection: BackgroundInspection) -> None:
    inspection.wait(0.3)
    if not inspection.running:
        st.rerun()
    st.info(f"{inspection.stage} …", icon=":material/hourglass_top:")


def extract(inspection: BackgroundInspection, store: JobStore, key: str) -> None:
    """Start the job with exactly what was looked at."""
    assert inspection.report is not None
    field, button = st.columns([4, 1], vertical_alignment="bottom")
    wanted = workspace().free_name(Path(inspection.request.data).expanduser().resolve().stem)
    name = field.text_input("Project name", wanted, key=f"name-{key}", help="Letters, digits, dots, dashes.")
    if not button.button("Extract", type="primary", icon=":material/play_arrow:", width="stretch", key="extract"):
        return
    try:
        out = str(workspace().new_folder(name))
    except InputError as error:
        st.error(plain(str(error)))
        return
    config = {"model": inspection.report.model_spec, "dataset": inspection.report.dataset_spec}
    store.submit("extract", config | {"base": out, "out": out, "name": name, "title": name}, title=f"Extract {name}")
    st.success(f"{plain(name)} is being extracted; it goes on when this page is closed. See below.")
