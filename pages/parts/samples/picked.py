"""What a person has picked on a wall: kept in the session and, for one wall of a screen, in the URL."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from neurontune_core.session.index_ranges import Indices, format_ranges, parse_ranges
from pages.parts.frame.url_state import set_query

_LONGEST_TEXT = 1500  # characters of a selection in the URL; browsers and servers cut much longer ones


@dataclass(frozen=True)
class Picked:
    """Samples that a person has picked on a wall.

    Attributes:
        rows: the selected samples that the wall shows, in its order.
        opened: the sample to show closely, or None.
    """

    rows: list[int]
    opened: int | None


def remembered(key: str, rows: Indices, in_url: bool) -> dict:
    """Return what was picked when the wall was last shown in this session, else what the URL names.

    Args:
        key: of the wall.
        rows: of the samples that it shows.
    """
    if f"kept-{key}" in st.session_state:
        return st.session_state[f"kept-{key}"]
    query = st.query_params if in_url else {}
    opened = parse_ranges(query.get("sample", ""), max(rows) + 1)
    return {
        "rows": [int(rows[place]) for place in parse_ranges(query.get("selected", ""), len(rows))],
        "opened": opened[0] if opened else None,
    }


def remember(key: str, picked: dict) -> None:
    """Keep what is picked on a wall for this session."""
    st.session_state[f"kept-{key}"] = picked


def write_selection_to_url(places: list[int], opened: int | None) -> None:
    """Write the row of the opened sample, and of the selected ones their places in the list, which are shorter."""
    text = format_ranges(places)
    set_query("selected", text if len(text) <= _LONGEST_TEXT else "")
    set_query("sample", "" if opened is None else str(opened))
