"""Tables of text: every format shows what users wrote, and runs none of it."""

from __future__ import annotations

import csv
import io

from neurontune_core.tables import aligned_lines, markdown_table, markdown_text, percent, rows_to_csv, to_markdown

ROWS = [{"method": "a, b", "average": '8"'}, {"method": "c\nd", "average": "–"}]


def test_csv_reads_back_as_the_rows() -> None:
    assert list(csv.DictReader(io.StringIO(rows_to_csv(ROWS)))) == ROWS


def test_every_sign_that_markdown_or_html_would_read_is_escaped_and_lines_are_joined() -> None:
    assert markdown_text("\\`*_[]|$~#<>&\n x") == "\\\\\\`\\*\\_\\[\\]\\|\\$\\~\\#&lt;&gt;&amp; x"
    assert to_markdown(ROWS).splitlines()[2:] == ['| a, b | 8" |', "| c d | – |"]


def test_cells_that_are_markdown_stay_markdown() -> None:
    assert markdown_table(("", "**x**"), [("`a`", "b|c")]).splitlines() == [
        "|  | **x** |",
        "| --- | --- |",
        "| `a` | b|c |",
    ]


def test_the_first_column_is_aligned_to_the_left_and_the_others_to_the_right_without_trailing_blanks() -> None:
    assert aligned_lines([["", "n"], ["long name", "7"], ["x", ""]]) == ["           n", "long name  7", "x"]


def test_a_share_is_printed_in_percent_and_none_as_what_is_missing() -> None:
    assert [percent(0.5), percent(1 / 3, 0), percent(None), percent(None, missing="unknown")] == [
        "50.0 %",
        "33 %",
        "–",
        "unknown",
    ]
