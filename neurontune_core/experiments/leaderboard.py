"""The leaderboard of a comparison as rows of text, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from neurontune_core.errors import InputError
from neurontune_core.experiments.methods import MethodSummary
from neurontune_core.experiments.published import DATASETS, Published, published_on
from neurontune_core.statistics import Spread
from neurontune_core.tables import MISSING, Row

# Column -> the summary's measure.
_NUMBERS = {
    "worst group": "worst_group_accuracy",
    "worst class": "worst_class_accuracy",
    "average": "accuracy",
    "average, re-weighted": "adjusted_accuracy",
    "gap": "accuracy_gap",
}


def shown(value: Spread | None) -> str:
    """ "74.5 ± 1.1"; no spread where there is none."""
    return MISSING if value is None else value.percent()


def leaderboard_rows(summaries: Sequence[MethodSummary]) -> list[dict[str, str]]:
    """One row a method, in per cent, mean ± standard deviation over seeds.

    Columns that need groups are left out where nothing was measured by group; the column "failed" is there when a
    method failed, and holds its sentence.
    """
    columns = [name for name, measure in _NUMBERS.items() if any(getattr(each, measure) for each in summaries)]
    failed = any(each.error for each in summaries)
    return [
        {"method": each.method.name, "uses groups": "yes" if each.uses_groups else "no"}
        | {name: shown(getattr(each, _NUMBERS[name])) for name in columns}
        | {
            "seeds": str(each.seeds),
            "seconds": MISSING if each.seconds is None else f"{each.seconds.mean:.2f}",
        }
        | ({"failed": each.error} if failed else {})
        for each in summaries
    ]


def published_beside(dataset: str) -> tuple[Published, ...]:
    """What the paper reports on a data set; InputError when it has none of that name."""
    if dataset not in DATASETS:
        raise InputError(f'There are no published numbers on "{dataset}"; use one of {", ".join(DATASETS)}.')
    return published_on(dataset)


def with_published(rows: Sequence[Row], found: Sequence[Published]) -> list[dict[str, str]]:
    """Measured rows with published ones under them; the column "from" tells which is which."""
    if not found:
        return [dict(row) for row in rows]
    columns = dict.fromkeys(["method", "from", *rows[0]])
    if any(each.worst_group is not None for each in found) and "worst group" not in columns:
        columns = dict.fromkeys(["method", "from", "uses groups", "worst group", *rows[0]])
    numbers = [{"from": "measured", **row} for row in rows]
    for each in found:
        origin = "published" + (f" ({each.metric})" if each.metric else "")
        numbers.append(
            {
                "method": each.name,
                "from": origin,
                "uses groups": "no" if each.groups_used == "none" else f"yes, {each.groups_used}",
                "worst group": _percent(each.worst_group),
                "average": _percent(each.accuracy),
            }
        )
    return [{column: row.get(column, MISSING) for column in columns} for row in numbers]


def _percent(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1f}"


def what_to_know(found: Sequence[Published]) -> list[str]:
    """Sentences to read before a measured number is set beside these, each once."""
    if not found:
        return []
    sentences = [
        "Published numbers come from the paper's own networks and data; methods here train the last layer alone, on "
        "this project's embeddings."
    ]
    for note in dict.fromkeys(note for each in found for note in each.notes):
        names = [each.name for each in found if note in each.notes]
        sentences.append(note if len(names) == len(found) else f"{', '.join(names)}: {note}")
    return sentences


def remarks(summaries: Sequence[MethodSummary]) -> list[str]:
    """What methods had to say about this data, each sentence once, behind the method's name."""
    said = [f"{each.method.name}: {text}" for each in summaries for run in each.runs for text in run.warnings]
    return list(dict.fromkeys(said))


def to_csv(summaries: Sequence[MethodSummary], found: Sequence[Published] = ()) -> str:
    """One row a method with every number in a column of its own: means, and their standard deviations over seeds.

    Published numbers stand under the measured ones; the column "from" names their source.
    """
    head = ["key", "method", "from", "uses groups", "seeds"]
    head += [f"{name}{end}" for name in _NUMBERS for end in ("", " sd")] + ["seconds", "failed"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for each in summaries:
        row: list[object] = [each.method.key, each.method.name, "measured", "yes" if each.uses_groups else "no"]
        row.append(each.seeds)
        for measure in _NUMBERS.values():
            value: Spread | None = getattr(each, measure)
            row += ["", ""] if value is None else [f"{100 * value.mean:.2f}", f"{100 * value.sd:.2f}"]
        row += ["" if each.seconds is None else f"{each.seconds.mean:.3f}", each.error]
        writer.writerow(row)
    for cell in found:
        row = [cell.method, cell.name, f"published: {cell.source}" + (f"; {cell.metric}" if cell.metric else "")]
        row += ["no" if cell.groups_used == "none" else f"yes, {cell.groups_used}", ""]
        printed = {"worst group": cell.worst_group, "average": cell.accuracy}
        row += [entry for name in _NUMBERS for entry in (printed.get(name, ""), "")] + ["", ""]
        writer.writerow(row)
    return text.getvalue()
