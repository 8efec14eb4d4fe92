"""The verb figure: the most and least biased neurons of a class as a picture, as in Figures 3 to 6 of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurontune_core.cli.options import AsJson, answer, table
from neurontune_core.errors import InputError
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, EXAMPLES


def figure(
    out: Annotated[Path, typer.Option("--out", help="The file to write: .png, .svg or .pdf.")],
    label: Annotated[
        str | None, typer.Option("--class", help="A class by its name; that with most mistakes when left out.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option(help="A project.json, its folder or name; the built-in example when left out.")
    ] = None,
    neurons: Annotated[int, typer.Option(help="Neurons of each kind.", min=1, max=10)] = 3,
    samples: Annotated[int, typer.Option(help="Samples of each neuron.", min=0, max=12)] = 4,
    heatmaps: Annotated[bool, typer.Option("--heatmaps/--no-heatmaps", help="Show where each neuron fires.")] = True,
    as_json: AsJson = False,
) -> None:
    """Draw the most and least biased neurons of a class.

    Each with its activations on correct and misclassified samples, its strongest samples, and heatmaps where there is a
    network.
    """
    from neurontune_core.cli.project_options import open_project
    from neurontune_core.figures.neuron_sheet import KINDS, neuron_sheet, save_sheet
    from neurontune_core.session.class_extremes import class_extremes
    from neurontune_core.session.diagnosis import Diagnosis
    from neurontune_core.session.gallery import Gallery

    if out.suffix.lower().lstrip(".") not in KINDS:
        raise InputError(f'A figure cannot be written as "{out.name}"; end the file with .{", .".join(KINDS)}.')
    opened = open_project(project or EXAMPLES[DEFAULT_EXAMPLE])
    diagnosis = Diagnosis(opened)
    names = diagnosis.identification.class_names
    if label is not None and label not in names:
        raise InputError(f'There is no class "{label}"; use one of {", ".join(names)}.')
    chosen = diagnosis.classes[0] if label is None else names.index(label)
    shown = class_extremes(diagnosis, Gallery(opened), chosen, neurons=neurons, samples=samples, heatmaps=heatmaps)
    title = f'{opened.title.rstrip(".")} · class "{shown.class_name}", split {shown.split}'
    save_sheet(neuron_sheet(title, shown.unbiased, shown.biased), out)
    kinds = {"unbiased": shown.unbiased, "biased": shown.biased}
    listed = {kind: [{"neuron": each.neuron, "score": each.score} for each in own] for kind, own in kinds.items()}
    rows = [[kind, str(each.neuron), f"{each.score:+.4f}"] for kind, own in kinds.items() for each in own]
    answer(
        as_json,
        {"class": shown.class_name, "out": str(out), **listed},
        f"{table(('', 'neuron', f'score, {shown.class_name}'), rows)}\n\nWritten to {out}.",
    )
