"""Pairs side by side: the same sample without and with the attribute, and under each the prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.evaluation.pairs import Flip, PairedPredictions
from neurontune_core.evaluation.probabilities import confidences
from neurontune_core.explain.text_difference import Piece, text_difference
from neurontune_core.figures.base import CORRECT, INCORRECT
from neurontune_core.head import LinearHead
from pages.parts.frame.component_data import component_data
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

FIRST, MORE = {"image": 8, "text": 3}, 24  # pairs in view, and those that a press of the button adds
_FOLDER = Path(__file__).parent
_cards = st.components.v2.component(
    "neurontune_pair_cards",
    html="<div class=root></div>",
    css=(_FOLDER / "pair_cards.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("image_strip.js", "pair_cards.js")),
)


def flip_in_words(flip: Flip, samples: str) -> str:
    """Say as Markdown what one attribute alone makes the head mistake a class for."""
    wrong, right, label, other = (plain(name) for name in (flip.wrong, flip.right, flip.label, flip.mistaken_for))
    return (
        f"With “{wrong}”, it calls **{flip.mistaken} of {flip.n}** “{label}” {samples} “{other}”; with “{right}”, "
        f"**{flip.mistaken_otherwise}** of the same {flip.n}."
    )


@st.fragment
def pair_cards(view: View, paired: PairedPredictions, head: LinearHead) -> None:
    """Show the pairs of the chosen class: those that one attribute misleads first, more of them on demand."""
    order = paired.order(view.label)
    if not len(order):
        st.caption("No pairs of this class.")
        return
    key = f"pairs-{view.name}-{view.split.name}-{view.label}"
    first = FIRST["text" if view.gallery.has_texts else "image"]
    shown = order[: st.session_state.get(key, first)]
    draw_cards(_described(view, paired, head, shown), "pair-cards", images=view.gallery.has_images)
    with st.container(horizontal=True, vertical_alignment="center"):
        left = len(order) - len(shown)
        if left and st.button(f"Show {min(left, MORE)} more", key="more-pairs"):
            st.session_state[key] = len(shown) + MORE
            st.rerun(scope="fragment")
        st.caption(
            f"{len(shown):,} of {len(order):,} pairs, those that change first. Below each sample: the prediction and "
            "its probability, ✓ correct or ✗ misclassified."
        )


def draw_cards(cards: list[dict[str, Any]], key: str, *, images: bool) -> None:
    """Draw cards of the same sample in two or more versions, as images or as texts.

    Args:
        cards: of each the ``label``, whether it ``changes``, and its ``sides``: ``attribute`` (its title),
            ``predicted``, ``confidence``, ``correct``, and ``photo`` and ``row`` of an image or ``pieces`` of a text.
        images: whether the sides are images.
    """
    data = {"pairs": cards, "images": images, "name": "Pairs", "colors": [CORRECT, INCORRECT]}
    _cards(data=component_data(data), key=key)


def _described(view: View, paired: PairedPredictions, head: LinearHead, places: Any) -> list[dict[str, Any]]:
    """Return what a card shows of each of these pairs, places in ``paired``; JSON-able."""
    samples, pairs, names = paired.samples, paired.pairs, paired.samples.class_names
    sides = (
        (pairs.without[places], pairs.without_side[places]),
        (pairs.with_attribute[places], pairs.with_side[places]),
    )
    shares = [confidences(head, samples.embeddings[rows]) for rows, _ in sides]
    described = []
    for number, place in enumerate(places.tolist()):
        rows = [int(side_rows[number]) for side_rows, _ in sides]
        described.append(
            {
                "label": names[paired.labels[place]],
                "changes": bool(paired.changed[place]),
                "sides": [
                    {
                        "row": row,
                        "photo": f"/nt/images/{view.name}/{view.split.name}",
                        "attribute": pairs.sides[attribute[number]],
                        "pieces": pieces,
                        "predicted": names[paired.predictions[row]],
                        "confidence": f"{100 * share[number]:.0f} %",
                        "correct": bool(paired.predictions[row] == paired.labels[place]),
                    }
                    for row, (_, attribute), share, pieces in zip(rows, sides, shares, _pieces(view, rows), strict=True)
                ],
            }
        )
    return described


def _pieces(view: View, rows: list[int]) -> list[list[Piece]]:
    """Return the two texts of a pair of texts, or the two ids where there is nothing else to show."""
    if view.gallery.has_images:
        return [[], []]
    try:
        first, second = ("\n".join(view.gallery.described(view.split.name, row)) for row in rows)
    except InputError:
        return [[("cannot be read", False)]] * 2
    if view.gallery.has_texts:
        return list(text_difference(first, second))
    return [[(first, False)], [(second, False)]]
