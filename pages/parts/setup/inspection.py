"""The form of a person's own model and data: paths, inspection, corrections, and extraction."""

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
    """Show the paths, and below them the latest inspection."""
    st.subheader("Your own model and data")
    st.caption(
        "Paths on the machine that runs this app. You see the result of an inspection before the extraction starts. No "
        "code in a checkpoint is run."
    )
    left, right = st.columns(2)
    data = left.text_input(
        "Folder or table of the data",
        key="data",
        bind="query-params",
        persist_state="session",
        placeholder="/data/birds",
        help="Folders `class/…` or `split/class/…`, a folder with a table of images or texts, or a published dataset "
        "as it is unpacked.",
    )
    weights = right.text_input(
        "Weights file, or model folder",
        key="weights",
        bind="query-params",
        persist_state="session",
        placeholder="/models/resnet50.pth",
        help="A safetensors file, a state dict, a Lightning checkpoint, or the folder of a Hugging Face model. The "
        "id of a hub model works if it is allowed and cached locally; nothing is downloaded.",
    )
    if st.button("Check data", type="primary", icon=":material/search:", help="Takes seconds, in the background."):
        start(Request(data.strip(), weights.strip()))
    name = st.session_state.get("inspection") or st.query_params.get("inspection")
    inspection = INSPECTIONS.get(name)
    if inspection is None:
        if name:
            st.info("The app was restarted since this inspection; press Check data to repeat it.")
        return
    st.query_params["inspection"] = name
    if inspection.running:
        progress(inspection)
    elif inspection.report is None:
        st.error(plain(inspection.error))
    else:
        show(inspection.report)
        with st.expander("Corrections", expanded=inspection.report.status == "blockers"):
            if (again := corrections(inspection.request, inspection.report, name)) is not None:
                start(again)
                st.rerun()
        if inspection.report.status != "blockers" and inspection.report.model and inspection.report.data:
            extract(inspection, store, name)


def start(request: Request) -> None:
    """Start an inspection in the background."""
    st.session_state["inspection"] = INSPECTIONS.start(request, workspace().root)


@st.fragment(run_every=0.4)
def progress(inspection: BackgroundInspection) -> None:
    """Show the stage of a running inspection."""
    inspection.wait(0.3)
    if not inspection.running:
        st.rerun()
    st.info(f"{inspection.stage} …", icon=":material/hourglass_top:")


def extract(inspection: BackgroundInspection, store: JobStore, key: str) -> None:
    """Offer to extract exactly what was inspected, as a job."""
    assert inspection.report is not None
    field, button = st.columns([4, 1], vertical_alignment="bottom")
    suggestion = workspace().free_name(Path(inspection.request.data).expanduser().resolve().stem)
    name = field.text_input("Project name", suggestion, key=f"name-{key}", help="Letters, digits, dots, dashes.")
    if not button.button("Extract", type="primary", icon=":material/play_arrow:", width="stretch", key="extract"):
        return
    try:
        out = str(workspace().new_folder(name))
    except InputError as error:
        st.error(plain(str(error)))
        return
    config = {"model": inspection.report.model_spec, "dataset": inspection.report.dataset_spec}
    store.submit("extract", config | {"base": out, "out": out, "name": name, "title": name}, title=f"Extract {name}")
    st.success(f"{plain(name)} is being extracted; the job continues when this screen is closed. See below.")
