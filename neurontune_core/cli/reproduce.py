"""The verb reproduce: a row of the paper's tables, from the dataset alone."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from neurontune_core.cli.options import AsJson, Out, answer, job_progress, note, stoppable, table, with_settings
from neurontune_core.errors import InputError
from neurontune_core.files import write_whole
from neurontune_core.training.config import TrainConfig

_TRAINING = [setting.name for setting in fields(TrainConfig) if setting.name not in ("seed", "hold_out")]


@with_settings(*_TRAINING, of=TrainConfig)
def reproduce(
    dataset: Annotated[str, typer.Argument(help="waterbirds, celeba, imagenet9, multinli or civilcomments.")],
    root: Annotated[Path, typer.Option(help="The folder of the dataset, as it is unpacked.")],
    out: Out,
    changes: dict[str, Any],
    weights: Annotated[
        str | None, typer.Option(help="Pretrained weights: a file for images, a Hugging Face folder for texts.")
    ] = None,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Start from random weights; the paper says both for ImageNet-9.")
    ] = False,
    family: Annotated[str | None, typer.Option(help="Another model family than the published one.")] = None,
    architecture: Annotated[str | None, typer.Option(help="Another architecture than the published one.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the network's input, in pixels.")] = None,
    seeds: Annotated[int, typer.Option(help="Number of trainings, and of runs of every method.", min=1)] = 5,
    shared_training: Annotated[
        bool, typer.Option("--shared-training", help="Train once, with seed 0, for all seeds.")
    ] = False,
    method: Annotated[
        list[str] | None, typer.Option(help="A method's key; repeat it; those published by default.")
    ] = None,
    imagenet_a: Annotated[Path | None, typer.Option(help="With imagenet9: the folder of ImageNet-A.")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Train, extract and run the methods of a table's row.

    It follows the published recipe of a dataset over several seeds and shows the published figures beside its own.
    After Ctrl-C the same command resumes it. With the published settings it needs a GPU.
    """
    from neurontune_core.experiments.recipes import recipe_for
    from neurontune_core.experiments.reproduce import reproduce as run
    from neurontune_core.experiments.reproduction_table import markdown, notes, reproduction_rows

    recipe = recipe_for(dataset)
    if from_scratch and weights:
        raise InputError("Give either --weights or --from-scratch: the network starts from one of them.")
    weights = "random" if from_scratch else weights
    if not weights:
        raise InputError(f"The published {recipe.architecture or 'BERT'} starts from {recipe.start}; give --weights.")
    model = {"weights": str(Path(weights).resolve()) if Path(weights).exists() else weights}
    options = {"family": family, "architecture": architecture, "image_size": image_size}
    with stoppable():
        runs = run(
            recipe,
            root,
            out,
            model | {name: value for name, value in options.items() if value is not None},
            seeds=seeds,
            shared_training=shared_training,
            methods=method or (),
            imagenet_a=imagenet_a,
            training=changes,
            device=device,
            report=job_progress,
        )
    write_whole(out / "table.md", lambda path: path.write_text(markdown(dataset, runs), encoding="utf-8"))
    rows = reproduction_rows(dataset, runs)
    sentences = notes(dataset, runs)
    for sentence in sentences:
        note(sentence)
    answer(
        as_json,
        {"dataset": dataset, "runs": runs, "table": rows, "notes": sentences, "out": str(out)},
        table(list(rows[0]), [list(row.values()) for row in rows]),
    )
