"""Tables of text: CSV, Markdown, LaTeX and aligned columns, each with its own escapes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

Row = Mapping[str, str]  # column -> cell; all rows of a table have the same columns in the same order

MISSING = "–"

_MARKDOWN = {mark: f"\\{mark}" for mark in "\\`*_[]|$~#"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_LATEX = (
    {mark: f"\\{mark}" for mark in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}
    | {"±": r"$\pm$", "†": r"\textdagger{}", "–": "--", "—": "---", "×": r"$\times$", "λ": r"$\lambda$"}
    | {"−": "$-$", "γ": r"$\gamma$", "\n": " "}
)


def percent(share: float | None, digits: int = 1, *, missing: str = MISSING) -> str:
    """Return a share of 1 as text in percent.

    Args:
        share: in 0..1, or None.
        digits: after the point.
        missing: the text for None.

    >>> percent(0.8125), percent(0.8125, 0), percent(None)
    ('81.2 %', '81 %', '–')
    """
    return missing if share is None else f"{100 * share:.{digits}f} %"


def rows_to_csv(rows: Sequence[Row]) -> str:
    r"""Return rows as CSV, cells as they are.

    >>> rows_to_csv([{"method": "ERM", "average": "81.3"}])
    'method,average\nERM,81.3\n'
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table; what Markdown or HTML would read as a command is escaped.

    >>> print(to_markdown([{"method": "ERM", "average": "81.3"}]), end="")
    | method | average |
    | --- | --- |
    | ERM | 81.3 |
    """
    head, *body = ([markdown_text(cell) for cell in line] for line in (rows[0], *(row.values() for row in rows)))
    return markdown_table(head, body) + "\n"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose cells are Markdown already.

    >>> print(markdown_table(("", "ERM"), [("**Average**", "81.3")]))
    |  | ERM |
    | --- | --- |
    | **Average** | 81.3 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_text(text: object) -> str:
    r"""Return text on one line that Markdown and HTML show as it is.

    >>> print(markdown_text("*x* <i>"))
    \*x\* &lt;i&gt;
    """
    return "".join(_MARKDOWN.get(letter, letter) for letter in " ".join(str(text).split()))


def to_latex(rows: Sequence[Row]) -> str:
    r"""Return rows as a tabular with booktabs' rules; what LaTeX would read as a command is escaped.

    >>> print(to_latex([{"method": "A & B", "average": "81.3"}]), end="")
    \begin{tabular}{lr}
    \toprule
    method & average \\
    \midrule
    A \& B & 81.3 \\
    \bottomrule
    \end{tabular}
    """
    columns = "l" + "r" * (len(rows[0]) - 1)
    lines = [" & ".join(map(latex_text, line)) + r" \\" for line in (list(rows[0]), *(row.values() for row in rows))]
    return "\n".join(
        [f"\\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule",
         r"\end{tabular}", ""]
    )  # fmt: skip


def latex_text(text: str) -> str:
    r"""Return text that LaTeX prints as it is.

    >>> print(latex_text("95 % ± 1"))
    95 \% $\pm$ 1
    """
    return "".join(_LATEX.get(letter, letter) for letter in text)


def aligned_lines(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of cells as text in columns: the first aligned to the left, the others to the right.

    Args:
        lines: the head and the rows; all have as many cells.

    >>> aligned_lines([["", "average"], ["ERM", "81.3"]])
    ['     average', 'ERM     81.3']
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
