"""The sample to point in: one that another screen asked for, or that the trained head misclassifies."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame.state import measured_split
from pages.parts.frame.view import View
from pages.parts.frame.words import plain
from pages.parts.samples.point_at import requested_sample
from pages.parts.samples.wall import wall


def sample_to_point_in(view: View) -> tuple[str, int]:
    """Show samples to choose from, and return split and row of the chosen one."""
    diagnosis, samples = view.diagnosis, view.diagnosis.identification
    split, names = measured_split(diagnosis, samples.split), samples.class_names
    labels = diagnosis.classes if view.label is None else [view.label]
    rows = [row for label in labels for row in split.misclassified(label=label).tolist()]
    kind = "Misclassified samples" if rows else "Samples"
    rows = rows or list(range(samples.num_samples))
    captions = [f"{names[samples.labels[row]]} → {names[diagnosis.predictions[row]]}" for row in rows]
    opened = wall(
        view, samples.split, rows, captions, "to-point-in", f"{kind} of {samples.split}", title=True, several=False,
        side=84, height=240,
    ).opened  # fmt: skip
    st.caption(
        f"Under each: label → prediction. Click one, or press Enter, to point in it; several may be pointed at. "
        f"The cue is measured on {plain(samples.split)}."
    )
    return requested_sample(view, opened) or (samples.split, rows[0] if opened is None else opened)
