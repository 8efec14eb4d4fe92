"""What stands in the page's address, so that a link or a reload brings it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.parts.frame.words import plain


@dataclass(frozen=True)
class Carried:
    """A choice that stands in the address on every screen, though its widget stands on one: it counts elsewhere, too,
    and a reload there must not lose it. Streamlit takes what it binds itself out of the address with its widget.

    Attributes:
        key: of the widget, and in the address.
        read: the value from the address; raises ValueError or KeyError when the widget would not take it.
        write: the text for the address; "" when it need not stand there.
    """

    key: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]

    @property
    def widget(self) -> dict[str, Any]:
        return {"key": self.key, "persist_state": "session"}


def bring_back(choices: Sequence[Carried]) -> None:
    """Before the first screen of a session: what the address says."""
    if "brought_back" not in st.session_state:
        st.session_state["brought_back"] = True
        for each in choices:
            with suppress(KeyError, ValueError):
                st.session_state[each.key] = each.read(st.query_params[each.key])


def carry(choices: Sequence[Carried]) -> None:
    """After a screen is built, or a part of it that may change them."""
    for each in choices:
        said = each.write(st.session_state[each.key]) if each.key in st.session_state else ""
        if said != st.query_params.get(each.key, ""):
            if said:
                st.query_params[each.key] = said
            else:
                del st.query_params[each.key]


def keep(key: str) -> dict[str, Any]:
    """For a widget whose value stands in the address and outlives a look at something else."""
    return {"key": key, "bind": "query-params", "persist_state": "session"}


def choice(label: str, options: Sequence[str], key: str, index: int = 0, *, pinned: bool = False, **more: Any) -> str:
    """A choice that stands in the address; `not_there` tells of an address that names what is not there.

    Args:
        index: of the default.
        pinned: write the default to the address too, because another one may be the default tomorrow.
    """
    asked = st.query_params.get(key)
    if key not in st.session_state and asked and asked not in options:
        _missing()[key] = f'There is no {label.lower()} "{plain(asked)}" here.'
    if pinned and st.session_state.get(key, asked) not in options:
        if key not in st.session_state:
            st.query_params[key] = options[index]  # Streamlit does so from the second time on
        st.session_state[key] = options[index]
    default = None if pinned else index  # what is the default does not stand in the address
    chosen = st.selectbox(label, options, default, on_change=_changed, args=(key,), **keep(key), **more)
    return chosen or options[index]


def not_there() -> None:
    """What the address names that is not there, until something else is chosen in its place."""
    for sentence in _missing().values():
        st.caption(f":material/link_off: {sentence}")


def _missing() -> dict[str, str]:
    """Key -> sentence, of this session."""
    return st.session_state.setdefault("missing", {})


def _changed(key: str) -> None:
    """Another one was chosen: what was missing is settled, and samples of another set are no longer picked."""
    _missing().pop(key, None)
    if key in ("project", "split"):
        for name in ("selected", "sample"):
            st.query_params.pop(name, None)
