"""A wall of samples to look through and to select from; only the images or texts in view are part of the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from neurontune_core.figures.base import CORRECT, INCORRECT
from neurontune_core.session.index_ranges import Indices, pack_int32, positions_of
from pages.parts.frame.component_data import component_data
from pages.parts.frame.view import View
from pages.parts.samples.picked import Picked, remember, remembered, write_selection_to_url

_BARE = 150  # pixels of a tile that shows nothing but a name
_FOLDER = Path(__file__).parent
_wall = st.components.v2.component(
    "neurontune_wall",
    html="<div class=root></div>",
    css=(_FOLDER / "wall.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("image_strip.js", "marked.js", "wall.js")),
)


def wall(
    view: View,
    split: str,
    rows: Indices,
    captions: Sequence[str],
    key: str,
    name: str,
    *,
    title: bool = False,
    caption: Indices | None = None,
    correct: Indices | None = None,
    neuron: int | None = None,
    colors: str = "inferno",
    side: int = 96,
    lines: int = 3,
    height: int = 420,
    several: bool = True,
    in_url: bool = False,
    empty: str = "No such samples.",
) -> Picked:
    """Show samples of a split, and return what is picked among them.

    Args:
        rows: of the split.
        captions: one per row; or the distinct ones, where ``caption`` holds the index for each row.
        name: of the list, for screen readers.
        title: show the name, too.
        correct: per row, whether it is classified correctly; marked blue and ✓, or red and ✗.
        neuron, colors: lay the heatmap of this neuron over each image; in texts, mark the words it responds to.
        side: pixels of an image, at least.
        lines: of a text that are visible.
        height: pixels, at most; the wall scrolls.
        several: allow a selection of several samples, and show its size.
        in_url: keep what is picked in the URL (one wall of a screen).
        empty: shown where there are no rows.
    """
    if not len(rows):
        st.caption(empty)
        return Picked([], None)
    gallery = view.gallery
    kind = "image" if gallery.has_images else "text" if gallery.has_texts else "bare"
    explains = neuron is not None and gallery.has_model
    own = f"{key}-{view.name}-{split}"
    before = remembered(own, rows, in_url)
    data = {
        "rows": pack_int32(rows),
        "captions": list(captions),
        "caption": None if caption is None else pack_int32(caption),
        "correct": None if correct is None else pack_int32(correct),
        "photo": f"/nt/images/{view.name}/{split}" if kind == "image" else None,
        "texts": f"/nt/texts/{view.name}/{split}" if kind != "image" else None,
        "bare": kind == "bare",
        "heat": f"{neuron}?colors={colors}" if explains and kind == "image" else None,
        "words": [f"/nt/words/{view.name}/{split}", neuron] if explains and kind == "text" else None,
        "several": several,
        "side": _BARE if kind == "bare" else side,
        "lines": lines,
        "height": height,
        "name": name,
        "title": name if title else "",
        "colors": [CORRECT, INCORRECT],
        "selected": pack_int32(before["rows"]),
        "opened": before["opened"],
    }
    picked = _wall(data=component_data(data), default={"chosen": before}, key=own, on_chosen_change=lambda: None).chosen
    remember(own, picked)
    places = positions_of(picked["rows"], rows)
    opened = picked["opened"] if positions_of([picked["opened"] or 0], rows) else None
    if in_url:
        write_selection_to_url(places, opened)
    return Picked([int(rows[place]) for place in places], opened)
