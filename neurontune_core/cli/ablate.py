"""The verb ablate: one of the paper's ablations, or a study like them, on one project."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from neurontune_core.cli.compare import write
from neurontune_core.cli.options import AsJson, answer, note, pairs_of, progress, table
from neurontune_core.workspace.project import ROLES, Project
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, EXAMPLES


def ablate(
    name: Annotated[
        str,
        typer.Argument(
            help="sets (Table 4), mask-value (Table 5), mask-value-tuning, rules (Table 6), threshold, surface, steps, "
            "stability, cost (Table 7)."
        ),
    ],
    project: Annotated[
        Path | None, typer.Option(help="A project.json or its folder; the built-in example when left out.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs of every setting.", min=1)] = 5,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of NeuronTune, such as epochs=20; repeat it.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table here as Markdown.")] = None,
    latex: Annotated[Path | None, typer.Option(help="Write the table here as LaTeX.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the table here as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Vary one setting and compare the results.

    Settings that draw the same batches run side by side. The paper's numbers, where there are any, follow the measured
    ones and are marked as published. After Ctrl-C the table has the seeds that were done by then, and the exit code is
    130.
    """
    from neurontune_core.experiments.studies import StudyResult, run_study, study
    from neurontune_core.tables import rows_to_csv, to_latex, to_markdown

    opened, chosen = Project.at(project or EXAMPLES[DEFAULT_EXAMPLE]), study(name)
    so_far: list[StudyResult] = []
    stopped = False
    try:
        result = run_study(
            name,
            opened.load_head(),
            {role: opened.load_set(role) for role in ROLES},
            seeds=seeds,
            options=pairs_of(setting, "--set"),
            on_progress=lambda done, total: progress(f"{chosen.title}: {done} of {total}"),
            on_part=so_far.append,
        )
    except KeyboardInterrupt:
        if not so_far:
            raise
        result, stopped = so_far[-1], True
        done = f"{result.seeds} of {result.asked} seeds" if chosen.ablation else "rows"
        note(f"Stopped; the table has the {done} that were done by then.")
    progress("")
    rows, paper = result.table(), result.published()
    write(markdown, to_markdown(rows))
    write(latex, to_latex(rows))
    write(csv_file, rows_to_csv(rows))
    text = table(list(rows[0]), [list(row.values()) for row in rows])
    if paper:
        text += "\n\n" + table(list(paper[0]), [list(row.values()) for row in paper])
    value = {"study": name, "rows": [asdict(part) for part in result.parts], "published": paper}
    answer(as_json, value, f"{chosen.title}. {chosen.question}\n\n{text}")
    if stopped:
        raise typer.Exit(130)
