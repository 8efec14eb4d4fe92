"""The most and least biased neurons of a class on one sheet, as in the paper's figures, to look at and to download."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from neurontune_core.errors import InputError
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

FILES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


@dataclass(frozen=True)
class DrawnSheet:
    """A sheet as files, and the project and class that it was drawn for."""

    of: tuple[str, str]
    files: dict[str, bytes]


@st.fragment
def class_sheet(view: View) -> None:
    """Show a class, a button that draws its sheet, and the sheet that was drawn last."""
    names, state = view.diagnosis.identification.class_names, st.session_state
    with st.expander("The most and least biased neurons of a class, on one sheet"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox("Class of the sheet", names, view.diagnosis.classes[0], key="sheet_class", width=260)
            pressed = st.button("Draw", key="draw_sheet", icon=":material/draw:")
        st.caption(
            "Three neurons with the smallest and three with the largest score of the class: activations on correct and "
            "misclassified samples, the strongest samples, and where the neuron fires in them (Figures 3 to 6 of the "
            "paper)."
        )
        if pressed:
            try:
                with st.spinner("Drawing …"):
                    state["sheet"] = draw(view, name)
            except InputError as error:
                st.error(plain(str(error)))
        drawn = state.get("sheet")
        if drawn is None or drawn.of != (view.name, name):
            return
        st.image(drawn.files["png"])
        with st.container(horizontal=True):
            for kind, mime in FILES.items():
                st.download_button(
                    kind.upper(), drawn.files[kind], f"neurons.{kind}", mime, key=f"sheet-{kind}", on_click="ignore",
                    icon=":material/download:",
                )  # fmt: skip


def draw(view: View, name: str) -> DrawnSheet:
    """Draw the sheet of a class in every format."""
    from neurontune_core.figures.neuron_sheet import neuron_sheet, sheet_bytes
    from neurontune_core.session.class_extremes import class_extremes

    diagnosis = view.diagnosis
    shown = class_extremes(diagnosis, view.gallery, diagnosis.identification.class_names.index(name))
    sheet = neuron_sheet(
        f'{diagnosis.project.title} · class "{name}", split {shown.split}', shown.unbiased, shown.biased
    )
    return DrawnSheet((view.name, name), {kind: sheet_bytes(sheet, kind) for kind in FILES})
