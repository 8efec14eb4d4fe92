"""Setup: the open project, a new one from data and a model, and the extractions under way."""

from pathlib import Path

import streamlit as st

from neurontune_core.datasets import guess_dataset
from neurontune_core.errors import InputError
from neurontune_core.jobs import Job, JobStore
from pages.parts.state import view, workspace

FAMILIES = ("torchvision", "timm", "huggingface_image", "huggingface_text", "efficientnet_lite", "cifar_resnet")
store = JobStore(workspace().jobs)


def about() -> None:
    """What the open project is made of, and how to recompute it."""
    project = view().diagnosis.project
    roles, spec = project.content["roles"], project.content.get("model") or {}
    st.subheader(project.title)
    st.markdown(
        f"Model: **{spec.get('architecture', 'vectors alone')}** · biased neurons are found on "
        f"**{roles['identification']}**, the head is tuned on **{roles['tuning']}** "
        f"and measured on **{roles['evaluation']}**."
    )
    if spec and st.button("Extract again", help="Recomputes the embeddings from the pictures into a new project."):
        number = 1
        while (name := f"{view().name}-{number}") in workspace().names():
            number += 1
        config = {key: project.content[key] for key in ("model", "dataset", "problem") if key in project.content}
        config |= {"base": str(project.source), "out": str(workspace().new_folder(name)), "name": name}
        store.submit("extract", config | {"title": f"{project.title} (extracted again)"}, title=f"Extract {name}")


def new_project() -> None:
    st.subheader("Your own model and data")
    st.caption(
        "Paths on the machine that runs this app. Data: a folder `class/…` or `split/class/…`, one with a table of "
        "pictures or texts (path or text, label, split, attribute), or a published data set as it is unpacked. "
        "Weights: a safetensors file, a state dict, or the folder of a Hugging Face model; nothing is unpickled."
    )
    with st.form("new", border=True):
        name = st.text_input("Project name", key="new_name")
        data = st.text_input("Folder or table of the data", key="new_data")
        one, two = st.columns(2)
        family = one.selectbox("Model family", FAMILIES, key="new_family")
        architecture = two.text_input("Architecture", placeholder="resnet50", key="new_architecture")
        weights = st.text_input("Weights file, or Hugging Face folder", key="new_weights")
        if not st.form_submit_button("Check and extract", type="primary"):
            return
    try:
        out = workspace().new_folder(name)
        guess = guess_dataset(Path(data).expanduser())
        file = Path(weights).expanduser()
        if not weights or not file.exists():
            raise InputError(f'There is no weights file or model folder "{weights}".')
        model = {"family": family, "weights": str(file.resolve())} | (
            {"architecture": architecture} if architecture else {}
        )
        config = {"model": model, "dataset": guess.spec, "base": str(out), "out": str(out), "name": name, "title": name}
        store.submit("extract", config, title=f"Extract {name}")
        st.success(guess.description)
    except InputError as error:
        st.error(str(error))


def resume(job: Job) -> None:
    """The same work again goes on where the first attempt stopped."""
    store.submit(job.task, job.config, title=job.title)


def open_made(name: str) -> None:
    st.session_state["project"] = name


@st.fragment(run_every=1.0)
def jobs() -> None:
    st.subheader("Extractions")
    shown = [job for job in store.list() if job.task == "extract"][:5]
    if not shown:
        st.caption("None yet. They go on when this page is closed, and after a restart of the app.")
    for job in shown:
        status = job.status()
        text, button = st.columns([8, 1], vertical_alignment="center")
        left = "" if status.seconds_left is None else f" · {status.seconds_left:.0f} s left"
        rate = f" · {status.rate:.1f} samples a second{left}" if status.state == "running" and status.rate else ""
        count = f" · {status.done} of {status.total}" if status.total else ""
        text.progress(status.done / status.total if status.total else 0.0, f"{job.title} · {status.state}{count}{rate}")
        if not status.finished:
            button.button("Cancel", key=f"cancel-{job.id}", on_click=job.cancel)
        elif status.state != "done":
            button.button("Resume", key=f"resume-{job.id}", on_click=resume, args=(job,))
        elif job.config["name"] in workspace().names() and button.button(
            "Open", key=f"open-{job.id}", on_click=open_made, args=(job.config["name"],)
        ):
            st.switch_page(Path(__file__).with_name("overview.py"), query_params={})
        if status.error:
            st.error(status.error)


st.title("Setup")
if st.session_state.get("view") is not None:
    about()
jobs()
new_project()
