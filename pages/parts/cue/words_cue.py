"""Words of texts as a cue: clicked in a text, typed, or described by a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from neurontune_core.cues.cue import NUMBER_AT_START, Cue, Words
from neurontune_core.session.cue_work import make_words_cue
from pages.parts.frame.view import View

_FOLDER = Path(__file__).parent
_clickable = st.components.v2.component(
    "neurontune_words",
    html="<div class=root></div>",
    css=(_FOLDER / "clickable_text.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "clickable_text.js").read_text(encoding="utf-8"),
)
PHRASES, PATTERN, PLACE = "cue-words", "cue-words-pattern", "cue-words-place"
INSERT, REMOVE = "Put in", "Take out"
PATTERNS = {"": "no pattern", NUMBER_AT_START: "a number at the start"}
NUMBER = re.compile(r"\d+")


def words_cue(view: View, split: str, row: int) -> tuple[Callable[[str], Cue] | None, str]:
    """Show a text to click in; return what makes the cue, and a name to start from."""
    state = st.session_state
    phrases = state.setdefault(PHRASES, [])
    data = {"texts": view.gallery.texts(split, row), "phrases": tuple(phrases)}
    _clickable(data=data, key="clickable-text", on_picked_change=_pick)
    state.setdefault(f"{PHRASES}-known", [])
    known = state[f"{PHRASES}-known"] = list(dict.fromkeys([*state[f"{PHRASES}-known"], *phrases]))
    phrases = st.multiselect(
        "Words or phrases", known, accept_new_options=True, key=PHRASES, placeholder="Click in the text, or type",
        help="Any of them counts as the cue. Drag over several words, or hold Shift with the arrows, for a phrase.",
    )  # fmt: skip
    patterns = PATTERNS | {
        NUMBER.sub(r"\\d+", re.escape(phrase).replace(r"\ ", " ")): f"“{phrase}”, with any number"
        for phrase in state[f"{PHRASES}-known"]
        if NUMBER.search(phrase)
    }
    pattern = st.selectbox(
        "Or a pattern", list(patterns), format_func=lambda each: patterns.get(each, each), accept_new_options=True,
        key=PATTERN, help="A regular expression, such as a number at the start; type your own.",
    )  # fmt: skip
    edit = st.segmented_control(
        "To test it", (INSERT, REMOVE), default=INSERT, required=True, key="cue-edit",
        help="Put the words into texts without them, at the same place, or take them out of texts that hold them.",
    )  # fmt: skip
    if not phrases and not pattern:
        return None, ""
    place, part = state.get(PLACE, (0.0, 0))
    words = Words(tuple(phrases), pattern or "", place, part, "insert" if edit == INSERT else "remove")
    return partial(make_words_cue, view.diagnosis, view.gallery, words=words), _suggested(phrases, pattern or "")


def _suggested(phrases: list[str], pattern: str) -> str:
    """Return a name made of the first phrase."""
    if NUMBER.pattern in pattern:
        phrases = [NUMBER.sub("number", phrase) for phrase in phrases]
    return "-".join(re.findall(r"[a-zA-Z0-9]+", phrases[0].lower()))[:30] if phrases else ""


def _pick() -> None:
    """Add the phrase that was clicked to the list, or remove it where it is there already."""
    picked = st.session_state["clickable-text"].picked
    if not picked:
        return
    phrases = st.session_state[PHRASES]
    if picked["phrase"] in phrases:
        st.session_state[PHRASES] = [phrase for phrase in phrases if phrase != picked["phrase"]]
        return
    if not phrases:
        st.session_state[PLACE] = (float(picked["place"]), int(picked["part"]))
    st.session_state[PHRASES] = [*phrases, picked["phrase"]]
