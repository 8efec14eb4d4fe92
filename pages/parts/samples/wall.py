"""A wall of samples: pictures or texts of which only those in view stand in the page, to look at and to select."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from neurontune_core.figures.base import CORRECT, INCORRECT
from neurontune_core.session.index_ranges import Indices, format_ranges, pack_int32, parse_ranges, positions_of
from pages.parts.frame.state import View

_LONGEST_ADDRESS = 1500  # characters of a selection; browsers and servers cut much longer addresses
_BARE = 150  # pixels of a tile that has a name alone
_HERE = Path(__file__).parent
_wall = st.components.v2.component(
    "neurontune_wall",
    html="<div class=root></div>",
    css=(_HERE / "wall.css").read_text(encoding="utf-8"),
    js="\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("image_strip.js", "marked.js", "wall.js")),
)


@dataclass(frozen=True)
class Chosen:
    """What a person has picked on a wall.

    Attributes:
        rows: the selected samples that the wall shows, in its order.
        opened: the one to look at closely, or None.
    """

    rows: list[int]
    opened: int | None


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
    right: Indices | None = None,
    neuron: int | None = None,
    colours: str = "inferno",
    side: int = 96,
    lines: int = 3,
    height: int = 420,
    several: bool = True,
    in_address: bool = False,
    empty: str = "No such samples.",
) -> Chosen:
    """Show samples of a split and return what is picked among them.

    Args:
        rows: of the split.
        captions: one a row; or the different ones, and ``caption`` says for each row which it has.
        name: what the list is, for screen readers.
        title: show the name, too.
        right: whether each is classified right; marked blue and ✓, or red and ✗.
        neuron, colours: lay over each picture where this neuron looks; in texts, mark the words that it goes by.
        side: pixels of a picture, at least.
        lines: of a text that stand in view.
        height: pixels at most; what does not fit is scrolled to.
        several: offer to select several, and say how many are.
        empty: what is said when there are none.
        in_address: keep what is picked in the page's address (one wall a page).
    """
    if not len(rows):
        st.caption(empty)
        return Chosen([], None)
    gallery = view.gallery
    kind = "picture" if gallery.has_pictures else "text" if gallery.has_texts else "bare"
    explains = neuron is not None and gallery.has_model
    own = f"{key}-{view.name}-{split}"
    kept = _kept(own, rows, in_address)
    data = {
        "rows": pack_int32(rows),
        "captions": list(captions),
        "caption": None if caption is None else pack_int32(caption),
        "right": None if right is None else pack_int32(right),
        "photo": f"/nt/images/{view.name}/{split}" if kind == "picture" else None,
        "texts": f"/nt/texts/{view.name}/{split}" if kind != "picture" else None,
        "bare": kind == "bare",
        "heat": f"{neuron}?colours={colours}" if explains and kind == "picture" else None,
        "words": [f"/nt/words/{view.name}/{split}", neuron] if explains and kind == "text" else None,
        "several": several,
        "side": _BARE if kind == "bare" else side,
        "lines": lines,
        "height": height,
        "name": name,
        "title": name if title else "",
        "colours": [CORRECT, INCORRECT],
        "selected": pack_int32(kept["rows"]),
        "opened": kept["opened"],
    }
    found = _wall(data=data, default={"chosen": kept}, key=own, on_chosen_change=lambda: None).chosen
    st.session_state[f"kept-{own}"] = found
    places = positions_of(found["rows"], rows)
    opened = found["opened"] if positions_of([found["opened"] or 0], rows) else None
    if in_address:
        _to_address(places, opened)
    return Chosen([int(rows[place]) for place in places], opened)


def _kept(own: str, rows: Indices, in_address: bool) -> dict:
    """What was picked when this wall was last shown in this session, or what the address says."""
    if f"kept-{own}" in st.session_state:
        return st.session_state[f"kept-{own}"]
    said = st.query_params if in_address else {}
    opened = parse_ranges(said.get("sample", ""), max(rows) + 1)
    return {
        "rows": [int(rows[place]) for place in parse_ranges(said.get("selected", ""), len(rows))],
        "opened": opened[0] if opened else None,
    }


def _to_address(places: list[int], opened: int | None) -> None:
    """The row of the opened sample; of the selected ones their places in the list, which are shorter to write."""
    text = format_ranges(places)
    said = {
        "selected": text if len(text) <= _LONGEST_ADDRESS else "",
        "sample": "" if opened is None else str(opened),
    }
    for name, value in said.items():
        if value != st.query_params.get(name, ""):
            if value:
                st.query_params[name] = value
            else:
                del st.query_params[name]
