"""The leaderboard of a comparison as rows of text and as CSV, with published numbers under the measured ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from neurontune_core.errors import InputError
from neurontune_core.experiments.methods import MethodSummary
from neurontune_core.experiments.published import DATASETS, Published, published_on, with_sd
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
_TABLE_3 = ("ImageNet-A", "gap to ImageNet-A")


def format_spread(value: Spread | None) -> str:
    """Return "74.5 ± 1.1", in per cent; without a deviation where there is none."""
    return MISSING if value is None else value.percent()


def leaderboard_rows(summaries: Sequence[MethodSummary]) -> list[dict[str, str]]:
    """Return one row a method, in per cent, mean ± standard deviation over seeds.

    Columns that need groups are left out where nothing was measured by group; the column "failed" is there when a
    method failed, and holds its sentence.

    >>> from neurontune_core.baselines.registry import METHODS
    >>> from neurontune_core.evaluation.accuracy import Evaluation, Proportion
    >>> from neurontune_core.experiments.methods import SeedRun
    >>> parts = (Proportion("cat", 3, 4), Proportion("dog", 4, 4))
    >>> erm = METHODS["erm"]
    >>> summary = MethodSummary(erm, erm.settings(), (SeedRun(0, Evaluation(Proportion("all", 7, 8), parts, ()), 0.1),))
    >>> leaderboard_rows([summary])[0]["worst class"], leaderboard_rows([summary])[0]["average"]
    ('75.0', '87.5')
    """
    columns = [name for name, measure in _NUMBERS.items() if any(getattr(summary, measure) for summary in summaries)]
    failed = any(summary.error for summary in summaries)
    return [
        {"method": summary.method.name, "uses groups": "yes" if summary.uses_groups else "no"}
        | {name: format_spread(getattr(summary, _NUMBERS[name])) for name in columns}
        | {
            "seeds": str(summary.seeds),
            "seconds": MISSING if summary.seconds is None else f"{summary.seconds.mean:.2f}",
        }
        | ({"failed": summary.error} if failed else {})
        for summary in summaries
    ]


def published_beside(dataset: str) -> tuple[Published, ...]:
    """Return what the paper reports on a dataset.

    Raises:
        InputError: when it reports nothing on one of that name.
    """
    if dataset not in DATASETS:
        raise InputError(f'There are no published numbers on "{dataset}"; use one of {", ".join(DATASETS)}.')
    return published_on(dataset)


def with_published(rows: Sequence[Row], published: Sequence[Published]) -> list[dict[str, str]]:
    """Return measured rows with published ones under them; the column "from" says which is which."""
    if not published:
        return [dict(row) for row in rows]
    columns = dict.fromkeys(["method", "from", *rows[0]])
    if any(cell.worst_group is not None for cell in published) and "worst group" not in columns:
        columns = dict.fromkeys(["method", "from", "uses groups", "worst group", *rows[0]])
    columns |= dict.fromkeys(_TABLE_3 if any(cell.imagenet_a is not None for cell in published) else ["gap"])
    numbers = [{"from": "measured", **row} for row in rows]
    for cell in published:
        origin = "published" + (f" ({cell.metric})" if cell.metric else "")
        numbers.append(
            {
                "method": cell.name,
                "from": origin,
                "uses groups": _uses_groups(cell),
                "worst group": with_sd(cell.worst_group, cell.worst_group_sd),
                "average": with_sd(cell.accuracy, cell.accuracy_sd),
            }
            | _gap_of(cell)
        )
    return [{column: row.get(column, MISSING) for column in columns} for row in numbers]


def _uses_groups(cell: Published) -> str:
    return "no" if cell.groups_used == "none" else f"yes, {cell.groups_used}"


def _gap_of(cell: Published) -> dict[str, str]:
    """Return the printed gap; of Table 3, the accuracy on ImageNet-A and the gap to it."""
    if cell.imagenet_a is None:
        return {"gap": with_sd(cell.gap, None)}
    adversarial, gap = _TABLE_3
    return {adversarial: with_sd(cell.imagenet_a, cell.imagenet_a_sd), gap: with_sd(cell.gap, None)}


def what_to_know(published: Sequence[Published]) -> list[str]:
    """Return what one must know before comparing measured numbers with these, as sentences, each once."""
    if not published:
        return []
    sentences = [
        "Published numbers come from the paper's own networks and data; methods here train the last layer alone, on "
        "this project's embeddings."
    ]
    for note in dict.fromkeys(note for cell in published for note in cell.notes):
        names = [cell.name for cell in published if note in cell.notes]
        sentences.append(note if len(names) == len(published) else f"{', '.join(names)}: {note}")
    return sentences


def remarks(summaries: Sequence[MethodSummary]) -> list[str]:
    """Return the warnings of methods about this data, each sentence once, behind the method's name."""
    sentences = [
        f"{summary.method.name}: {text}" for summary in summaries for run in summary.runs for text in run.warnings
    ]
    return list(dict.fromkeys(sentences))


def to_csv(summaries: Sequence[MethodSummary], published: Sequence[Published] = ()) -> str:
    """Return CSV with one row a method and every number in a column of its own: means and deviations over seeds.

    Published numbers stand under the measured ones; the column "from" names their source.
    """
    head = ["key", "method", "from", "uses groups", "seeds"]
    head += [f"{name}{end}" for name in _NUMBERS for end in ("", " sd")] + ["seconds", "failed"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for summary in summaries:
        row: list[object] = [
            summary.method.key,
            summary.method.name,
            "measured",
            "yes" if summary.uses_groups else "no",
        ]
        row.append(summary.seeds)
        for measure in _NUMBERS.values():
            value: Spread | None = getattr(summary, measure)
            row += ["", ""] if value is None else [f"{100 * value.mean:.2f}", f"{100 * value.sd:.2f}"]
        row += ["" if summary.seconds is None else f"{summary.seconds.mean:.3f}", summary.error]
        writer.writerow(row)
    for cell in published:
        row = [cell.method, cell.name, f"published: {cell.source}" + (f"; {cell.metric}" if cell.metric else "")]
        row += [_uses_groups(cell), ""]
        printed = {
            "worst group": (cell.worst_group, cell.worst_group_sd),
            "average": (cell.accuracy, cell.accuracy_sd),
            "gap": (cell.gap if cell.imagenet_a is None else None, None),
        }
        row += ["" if entry is None else entry for name in _NUMBERS for entry in printed.get(name, ("", ""))]
        row += ["", ""]
        writer.writerow(row)
    return text.getvalue()
