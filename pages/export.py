"""Export: the fixed head and all that belongs to it, each file read back and compared before it is offered."""

import streamlit as st

from neurontune_core.cli.command import tune_command
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.export.bundle import VerificationError, export_bundle
from neurontune_core.export.card import TunedRun
from pages.parts.frame.state import current_view
from pages.parts.frame.words import plain

view = current_view()
st.title("Export")
if view.run is None:
    st.info("There is no retrained head yet. Make one on the **Retrain** page, then take it home from here.")
    st.stop()
run, split, diagnosis, project = view.run, view.split, view.diagnosis, view.diagnosis.project
roles = project.content["roles"]
st.markdown(
    f"Run **{run.id}**: {run.mask.num_biased} of {run.mask.num_neurons} neurons masked, "
    + ("the adviser's head." if run.advised else f"epoch {run.epoch} kept.")
)
st.caption(
    "Every file is read back and compared before it is offered. The mask is folded into the head: a plain linear "
    f'layer. The card\'s figures are measured on "{plain(split.name)}". {split.caution}'
)


def size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def described(embedding_set: EmbeddingSet) -> str:
    return f"{embedding_set.split}, {embedding_set.num_samples} samples"


made, key = st.session_state.setdefault("bundle", {}), (view.name, run.id, split.name)
ready = made.get("files") if made.get("of") == key else None  # of another split they have been written over
if st.button("Prepare the files", key="prepare", type="primary", disabled=ready is not None):
    facts = TunedRun(
        erm=diagnosis.erm, head=run.head, mask=run.mask, config=run.config, evaluation=split.samples,
        epoch=run.epoch, masking_off=run.off_head, title=project.title, problem=project.problem, warnings=run.warnings,
        advised=run.advice.sentence if run.advised and run.advice else "", caution=split.caution,
        data={
            "Identification": described(diagnosis.identification),
            "Tuning": "one half of the identification split" if run.halves else run.tuning,
            "Evaluation": described(split.samples),
        },
    )  # fmt: skip
    try:
        with st.spinner("Writing, reading back and comparing …"):
            ready = export_bundle(
                run.export_folder(split.samples),
                facts,
                model=project.content.get("model"),
                dataset=project.content.get("dataset"),
                base=project.source,
            )
        made |= {"of": key, "files": ready}
    except VerificationError as error:
        st.error(plain(str(error)))

if ready:
    for file in ready:
        name, check, button = st.columns([3, 6, 2], vertical_alignment="center")
        name.markdown(f"`{file.name}`  \n{size(file.bytes)}")
        check.markdown(f":material/check_circle: {file.check}")
        button.download_button("Download", file.path.read_bytes(), file.name, key=file.name, on_click="ignore")
    st.subheader("Load it anywhere")
    st.code((run.export_folder(split.samples) / "load_head.py").read_text(encoding="utf-8"), language="python")
    st.subheader("The same from the command line")
    st.code(tune_command(project, run), language="bash", wrap_lines=True)
