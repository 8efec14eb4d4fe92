"""Answers: the numbers, table and figures computed about a claim, and the file that holds them all."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurontune_core.theory.claims import CLAIMS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

KEPT = 32  # answers of each kind kept in memory, so that a slider moved back answers at once


@dataclass(frozen=True, eq=False)
class Answer:
    """One claim, computed.

    Attributes:
        key: of CLAIMS.
        numbers: JSON-able.
        rows: a table, ready to be shown.
        note: how it was measured, in a sentence or two.
        figures: by name.
    """

    key: str
    numbers: dict[str, Any]
    rows: list[dict[str, str]]
    note: str
    figures: dict[str, Figure]


def as_html(answer: Answer) -> str:
    """Return one HTML file that opens without a network: the claim in words, the table, the figures."""
    from plotly.io import to_html

    claim = CLAIMS[answer.key]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in answer.rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row.values()) + "</tr>" for row in answer.rows
    )
    drawn = "".join(
        to_html(figure, include_plotlyjs=place == 0, full_html=False)
        for place, figure in enumerate(answer.figures.values())
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(claim.title)}</title>"
        "<style>body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;line-height:1.5}"
        "td,th{padding:.2rem .9rem .2rem 0;text-align:left}</style>"
        f"<h1>{html.escape(claim.title)}</h1><p>{html.escape(claim.shows)}</p>"
        f"<p><strong>Where it stops:</strong> {html.escape(claim.stops)}</p>"
        f"{f'<p><strong>Why:</strong> {html.escape(claim.why)}</p>' if claim.why else ''}"
        f"<table><tr>{head}</tr>{body}</table><p>{html.escape(answer.note)}</p>{drawn}</html>"
    )
