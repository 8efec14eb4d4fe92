"""Export: the chosen head with mask, model card and code, each file verified before it is offered."""

from pathlib import Path

import streamlit as st

from neurontune_core.cli.command import head_command
from neurontune_core.errors import InputError
from neurontune_core.export.bundle import ExportedFile, export_bundle
from neurontune_core.export.verification import VerificationError
from neurontune_core.session.bundle_facts import bundle_facts
from neurontune_core.session.named_heads import EXPLANATIONS, check_exportable
from pages.parts.frame.view import View, current_view
from pages.parts.frame.words import plain


def prepare(view: View, folder: Path) -> list[ExportedFile]:
    """Write and verify the files; show why when one of them is not as it was written."""
    content = view.diagnosis.project.content
    try:
        with st.spinner("Writing and verifying the files …"):
            return export_bundle(
                folder,
                bundle_facts(view.diagnosis, view.chosen, view.split.samples, caution=view.split.caution),
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
named, split = view.chosen, view.split
st.markdown(f"#### {named.name}\n{EXPLANATIONS[named.key]}")
kept = f" Run {named.run.id}." if named.run else ""
st.markdown(
    f"**{named.mask.num_biased} of {named.mask.num_neurons}** neurons are masked. {named.mask.explanation}{kept}"
)
if (cue := named.mask.cue) is not None:
    st.caption(
        f":material/ads_click: By the cue **{plain(cue.name)}** (more than {cue.threshold:.2f} SD), with "
        "your knowledge."
    )
for note in named.notes:
    st.caption(f":material/info: {note}")
st.caption(
    "The sidebar chooses the head. Every file is read back and verified before it is offered. The mask is folded into "
    f'the head: a plain linear layer. The model card measures on "{plain(split.name)}". {split.caution}'
)
try:
    check_exportable(named)
except InputError as error:
    st.warning(plain(str(error)))
    st.stop()
if view.gallery.model_note:
    entry = view.diagnosis.project.content["model"]["entry"]
    st.caption(f"{view.gallery.model_note} For the whole model, use `neurontune export --project … --entry {entry}`.")
bundles: dict[str, list[ExportedFile]] = st.session_state.setdefault("bundles", {})
folder = view.diagnosis.project.export_folder(named.key, named.head, split.samples)
files = bundles.get(str(folder), [])
if not all(file.path.is_file() for file in files):  # deleted since
    files = []
if st.button("Prepare the files", key="prepare", type="primary", disabled=bool(files)):
    files = bundles[str(folder)] = prepare(view, folder)
    if files:
        st.rerun()  # the button is disabled from now on
if files:
    for file in files:
        offer(file)
    st.subheader("Load the head anywhere")
    st.code((folder / "load_head.py").read_text(encoding="utf-8"), language="python")
    st.subheader("Make the same head on the command line")
    st.code(head_command(view.diagnosis.project, named), language="bash", wrap_lines=True)
