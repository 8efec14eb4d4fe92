"""The verb compare: the methods of the paper's tables on one project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurontune_core.cli.options import AsJson, answer, note, pairs_of, progress, table
from neurontune_core.errors import InputError
from neurontune_core.files import write_whole
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, EXAMPLES

if TYPE_CHECKING:
    from neurontune_core.experiments.methods import MethodSummary

_NUMBERS = (
    "accuracy",
    "adjusted_accuracy",
    "worst_group_accuracy",
    "accuracy_gap",
    "worst_class_accuracy",
    "seconds",
)


def compare(
    project: Annotated[
        Path | None, typer.Option(help="A project.json or its folder; the built-in example when left out.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="A method's key; repeat it; all when left out.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs of every method that has a seed.", min=1)] = 5,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="METHOD.SETTING=VALUE, such as dfr.refits=10; repeat it.")
    ] = None,
    published: Annotated[
        str | None, typer.Option(help="Show the paper's numbers on this dataset, such as waterbirds, too.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the leaderboard here as a Markdown table.")] = None,
    latex: Annotated[Path | None, typer.Option(help="Write the leaderboard here as a LaTeX table.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the leaderboard here as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the methods of the paper's tables.

    ERM and retraining without a mask are always among them. A method that uses group labels is marked; one that fails
    gives its reason, and the others go on. After Ctrl-C the table has the runs that were done by then, and the exit
    code is 130.
    """
    from neurontune_core.baselines.registry import METHODS
    from neurontune_core.experiments.leaderboard import (
        leaderboard_rows,
        published_beside,
        remarks,
        to_csv,
        what_to_know,
        with_published,
    )
    from neurontune_core.experiments.methods import compare_methods, ranked
    from neurontune_core.tables import to_latex, to_markdown

    beside = published_beside(published) if published else ()
    opened, settings = Project.at(project or EXAMPLES[DEFAULT_EXAMPLE]), _settings(setting)
    so_far: dict[str, MethodSummary] = {}
    stopped = False
    try:
        summaries = compare_methods(
            opened.load_head(),
            opened.load_set("identification"),
            opened.load_set("tuning"),
            opened.load_set("evaluation"),
            method or tuple(METHODS),
            seeds=seeds,
            settings=settings,
            on_start=lambda entry, seed: progress(f"{entry.name}, seed {seed}"),
            on_run=lambda summary, _: so_far.update({summary.method.key: summary}),
        )
    except KeyboardInterrupt:
        summaries, stopped = ranked(list(so_far.values())), True
        if not summaries:
            raise
        note(f"Stopped; the table has the {sum(summary.seeds for summary in summaries)} runs that were done by then.")
    progress("")
    rows = with_published(leaderboard_rows(summaries), beside)
    write(markdown, to_markdown(rows))
    write(latex, to_latex(rows))
    write(csv_file, to_csv(summaries, beside))
    for summary in summaries:
        if summary.error:
            note(f"{summary.method.name}: {summary.error}")
    for sentence in (*remarks(summaries), *what_to_know(beside)):
        note(sentence)
    shown = [{name: cell for name, cell in row.items() if name != "failed"} for row in rows]
    answer(as_json, {"methods": _plain(summaries)}, table(list(shown[0]), [list(row.values()) for row in shown]))
    if stopped:
        raise typer.Exit(130)


def write(path: Path | None, text: str) -> None:
    """Write a whole file or none; nothing without a path.

    >>> write(None, "text")
    """
    if path:
        write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _plain(summaries: Sequence[MethodSummary]) -> list[dict[str, Any]]:
    """Return every number, for --json."""
    return [
        {
            "method": summary.method.key,
            "name": summary.method.name,
            "seeds": summary.seeds,
            "uses_groups": summary.uses_groups,
        }
        | {name: None if getattr(summary, name) is None else asdict(getattr(summary, name)) for name in _NUMBERS}
        | {"parts": {name: asdict(spread) for name, spread in summary.parts().items()}, "error": summary.error}
        for summary in summaries
    ]


def _settings(words: Sequence[str] | None) -> dict[str, Any]:
    """Return the settings by method of words such as "dfr.refits=10"."""
    from neurontune_core.baselines.registry import method
    from neurontune_core.baselines.settings_io import parse_settings

    by_method: dict[str, dict[str, str]] = {}
    for name, value in pairs_of(words, "--set").items():
        key, dot, setting = name.partition(".")
        if not dot:
            raise InputError(f'--set has the value "{name}={value}"; write it as method.setting=value.')
        by_method.setdefault(key, {})[setting] = value
    return {key: parse_settings(method(key), values) for key, values in by_method.items()}
