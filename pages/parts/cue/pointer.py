"""A picture to draw a box on, by mouse, touch, keyboard or numbers: what a person points at."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts.frame.component_data import component_data
from pages.parts.frame.view import View

Drawn = tuple[float, float, float, float]  # left, top, width, height; fractions of the whole upright picture

_FOLDER = Path(__file__).parent
_pointer = st.components.v2.component(
    "neurontune_pointer",
    html="<div class=root></div>",
    css=(_FOLDER / "pointer.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "pointer.js").read_text(encoding="utf-8"),
)


def pointer(view: View, split: str, row: int, box: Drawn | None, name: str, side: int = 360) -> Drawn | None:
    """Show a picture and the box on it, and return the box; None while there is none.

    Args:
        split, row: of the picture.
        box: to start from; the browser holds it as long as this picture is shown.
        name: of the picture, for screen readers.
        side: pixels, at most.
    """
    picture = f"{view.name}/{split}/{row}"
    data = {"picture": picture, "source": f"/nt/picture/{picture}", "box": box, "name": name, "side": side}
    before = {"picture": picture, "box": box}
    pointed = _pointer(
        data=component_data(data), default={"pointed": before}, key="pointer", on_pointed_change=lambda: None
    ).pointed
    if pointed["picture"] != picture:  # another picture has been opened since
        return box
    return None if pointed["box"] is None else tuple(pointed["box"])
