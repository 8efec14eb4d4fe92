"""Choices that are part of the URL, so that a link or a reload restores them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.parts.frame.words import plain


@dataclass(frozen=True)
class UrlChoice:
    """A choice that stays in the URL on every screen, though its widget is on one: it counts on the others, too.

    Streamlit removes what it binds itself from the URL together with the widget.

    Attributes:
        key: of the widget, and in the URL.
        read: text in the URL -> value; raises ValueError or KeyError for what the widget would refuse.
        write: value -> text in the URL; "" for the default, which is left out.
    """

    key: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]

    @property
    def widget(self) -> dict[str, Any]:
        """Return the arguments of the widget."""
        return {"key": self.key, "persist_state": "session"}

    def starting_at(self, default: Any) -> dict[str, Any]:
        """Return the arguments of a widget that starts at ``default``, unless the session has a value already.

        The default goes to the session state, not to the widget: where both have one, Streamlit logs a warning.
        """
        st.session_state.setdefault(self.key, default)
        return self.widget


def restore(choices: Sequence[UrlChoice]) -> None:
    """Take the choices from the URL, before the first screen of a session."""
    if "url_restored" not in st.session_state:
        st.session_state["url_restored"] = True
        for choice in choices:
            with suppress(KeyError, ValueError):
                st.session_state[choice.key] = choice.read(st.query_params[choice.key])


def write_to_url(choices: Sequence[UrlChoice]) -> None:
    """Write the choices to the URL, after a screen or a fragment that may change them."""
    for choice in choices:
        text = choice.write(st.session_state[choice.key]) if choice.key in st.session_state else ""
        set_query(choice.key, text)


def set_query(key: str, text: str) -> None:
    """Write one value to the URL, or with "" remove it; an unchanged one costs nothing."""
    if text != st.query_params.get(key, ""):
        if text:
            st.query_params[key] = text
        else:
            del st.query_params[key]


def in_url(key: str) -> dict[str, Any]:
    """Return the arguments of a widget whose value is part of the URL and survives a visit to another screen."""
    return {"key": key, "bind": "query-params", "persist_state": "session"}


def choose(
    label: str,
    options: Sequence[str],
    key: str,
    index: int = 0,
    *,
    pinned: bool = False,
    changed: Callable[[], object] | None = None,
    **more: Any,
) -> str:
    """Show a select box that is part of the URL; `show_missing` reports a URL with an option that does not exist.

    Args:
        index: of the default.
        changed: called when a person chooses another option.
        pinned: write the default to the URL too, because another one may be the default tomorrow.
        more: arguments of the select box.
    """
    requested = st.query_params.get(key)
    if key not in st.session_state and requested and requested not in options:
        _missing()[key] = f'There is no {label.lower()} "{plain(requested)}"; you see the default.'
    if pinned and st.session_state.get(key, requested) not in options:
        if key not in st.session_state:
            st.query_params[key] = options[index]  # Streamlit does so from the second run on
        st.session_state[key] = options[index]
    default = None if pinned else index  # Streamlit leaves a widget's default out of the URL
    more |= {"required": True} if pinned else {}  # nothing to clear
    chosen = st.selectbox(label, options, default, on_change=_changed, args=(key, changed), **in_url(key), **more)
    return chosen or options[index]


def show_missing() -> None:
    """Show which options of the URL do not exist, until another one is chosen in their place."""
    for sentence in _missing().values():
        st.caption(f":material/link_off: {sentence}")


def _missing() -> dict[str, str]:
    """Return key -> sentence, of this session."""
    return st.session_state.setdefault("missing", {})


def _changed(key: str, then: Callable[[], object] | None) -> None:
    """Forget what was missing; with another project or split, samples are no longer selected."""
    if then is not None:
        then()
    _missing().pop(key, None)
    if key in ("project", "split"):
        for name in ("selected", "sample"):
            st.query_params.pop(name, None)
