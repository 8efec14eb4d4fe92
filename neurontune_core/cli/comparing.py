"""The verb compare: the methods of the paper's tables on one project."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from neurontune_core.cli.options import AsJson, answer, note, progress, table
from neurontune_core.workspace import EXAMPLES, Project


def compare(
    project: Annotated[
        Path | None, typer.Option(help="A project.json or its folder; the built-in example when left out.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="A method's key; repeat it; all when left out.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs of every method that has a seed.", min=1)] = 5,
    markdown: Annotated[Path | None, typer.Option(help="Write the leaderboard here as a Markdown table.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the leaderboard here as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the methods of the paper's tables beside each other.

    ERM and masking off are always among them. A method that uses group labels says so; one that fails says why, and
    the others go on.
    """
    from neurontune_core.baselines import METHODS
    from neurontune_core.compare_methods import compare_methods, standings_table

    opened = Project.at(project or EXAMPLES["example"])
    standings = compare_methods(
        opened.load_head(),
        opened.load_set("identification"),
        opened.load_set("tuning"),
        opened.load_set("evaluation"),
        method or tuple(METHODS),
        seeds=seeds,
        on_standing=lambda each: progress(f"{each.method.name} done"),
    )
    progress("")
    rows = standings_table(standings)
    head = list(rows[0])
    if markdown:
        lines = [head, ["---"] * len(head), *(list(row.values()) for row in rows)]
        markdown.write_text("\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n", encoding="utf-8")
    if csv_file:
        text = io.StringIO()
        writer = csv.DictWriter(text, head)
        writer.writeheader()
        writer.writerows(rows)
        csv_file.write_text(text.getvalue(), encoding="utf-8")
    for each in standings:
        if each.error:
            note(f"{each.method.name}: {each.error}")
    numbers = (
        "accuracy",
        "adjusted_accuracy",
        "worst_group_accuracy",
        "accuracy_gap",
        "worst_class_accuracy",
        "seconds",
    )
    value = [
        {"method": each.method.key, "name": each.method.name, "seeds": each.seeds, "uses_groups": each.uses_groups}
        | {name: None if getattr(each, name) is None else asdict(getattr(each, name)) for name in (*numbers, "seconds")}
        | {"error": each.error}
        for each in standings
    ]
    answer(as_json, {"methods": value}, table(head, [list(row.values()) for row in rows]))
