"""Export: the head of the chosen run with mask, model card and code, each file verified before it is offered."""

import streamlit as st

from neurontune_core.cli.command import tune_command
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.export.bundle import ExportedFile, VerificationError, export_bundle
from neurontune_core.export.card import TunedRun
from neurontune_core.workspace.run import Run
from pages.parts.frame.state import View, current_view
from pages.parts.frame.words import plain


def facts_of(view: View, run: Run) -> TunedRun:
    """Return what the model card says about a run, measured on the chosen split."""
    diagnosis, split, project = view.diagnosis, view.split, view.diagnosis.project
    return TunedRun(
        erm=diagnosis.erm, head=run.head, mask=run.mask, config=run.config, evaluation=split.samples,
        epoch=run.epoch, masking_off=run.off_head, title=project.title, problem=project.problem, warnings=run.warnings,
        advised=run.advice.sentence if run.advised and run.advice else "", caution=split.caution,
        data={
            "Identification": described(diagnosis.identification),
            "Tuning": "one half of the identification split" if run.halves else run.tuning,
            "Evaluation": described(split.samples),
        },
    )  # fmt: skip


def described(embedding_set: EmbeddingSet) -> str:
    return f"{embedding_set.split}, {embedding_set.num_samples} samples"


def prepare(view: View, run: Run) -> list[ExportedFile]:
    """Write and verify the files; show why when one of them is not as it was written."""
    content = view.diagnosis.project.content
    try:
        with st.spinner("Writing and verifying the files …"):
            return export_bundle(
                run.export_folder(view.split.samples),
                facts_of(view, run),
                model=content.get("model") if view.gallery.has_model else None,
                dataset=content.get("dataset"),
                base=view.diagnosis.project.source,
            )
    except VerificationError as error:
        st.error(plain(str(error)))
        return []


def offer(file: ExportedFile) -> None:
    """Show a file and its check; its bytes are read when a person downloads it."""
    name, check, button = st.columns([3, 6, 2], vertical_alignment="center")
    size = f"{file.bytes / 1e6:.1f} MB" if file.bytes >= 1e6 else f"{file.bytes / 1e3:.1f} kB"
    name.markdown(f"`{file.name}`  \n{size}")
    check.markdown(f":material/check_circle: {file.check}")
    button.download_button("Download", file.path.read_bytes, file.name, key=file.name, on_click="ignore")


view = current_view()
st.title("Export")
if view.run is None:
    st.info("No head is retrained yet. Press **Retrain** in the sidebar, then export the head here.")
    st.stop()
run, split = view.run, view.split
st.markdown(
    f"Run **{run.id}**: {run.mask.num_biased} of {run.mask.num_neurons} neurons masked, "
    + ("the adviser's head." if run.advised else f"epoch {run.epoch} kept.")
)
st.caption(
    "Every file is read back and verified before it is offered. The mask is folded into the head: a plain linear "
    f'layer. The model card measures on "{plain(split.name)}". {split.caution}'
)
if view.gallery.model_note:
    entry = view.diagnosis.project.content["model"]["entry"]
    st.caption(f"{view.gallery.model_note} For the whole model, use `neurontune export --project … --entry {entry}`.")
bundles: dict[str, list[ExportedFile]] = st.session_state.setdefault("bundles", {})
folder = str(run.export_folder(split.samples))  # differs by run, split and content of the split
files = bundles.get(folder, [])
if not all(file.path.is_file() for file in files):  # deleted since
    files = []
if st.button("Prepare the files", key="prepare", type="primary", disabled=bool(files)):
    files = bundles[folder] = prepare(view, run)
if files:
    for file in files:
        offer(file)
    st.subheader("Load the head anywhere")
    st.code((run.export_folder(split.samples) / "load_head.py").read_text(encoding="utf-8"), language="python")
    st.subheader("Repeat the run on the command line")
    st.code(tune_command(view.diagnosis.project, run), language="bash", wrap_lines=True)
