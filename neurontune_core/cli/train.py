"""The verb train: ERM training of a classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurontune_core.cli.inspect import Arch, Family, ImageSize
from neurontune_core.cli.options import AsJson, Out, answer, job_progress, note, percent, stoppable, with_settings
from neurontune_core.errors import InputError
from neurontune_core.files import read_json
from neurontune_core.training.config import PRESETS, TrainConfig


@with_settings(of=TrainConfig)
def train(
    source: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder or table of the data, or a .json with model and dataset.")
    ],
    out: Out,
    changes: dict[str, Any],
    family: Family = None,
    architecture: Arch = None,
    weights: Annotated[
        str | None, typer.Option(help='What training starts from: a checkpoint, a Hugging Face folder, or "random".')
    ] = None,
    image_size: ImageSize = None,
    preset: Annotated[
        str | None, typer.Option(help=f"Settings to start from: {', '.join(PRESETS)}; the data set's own by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a classifier by ERM.

    Plain cross-entropy on the training split; the best epoch on the validation split is kept. A stopped training goes
    on from its last whole epoch when the same command is given again. What it writes opens with extract --weights OUT.
    """
    from neurontune_core.training.job import train_model

    asked, base = _asked(source)
    given = {"family": family, "architecture": architecture, "weights": weights, "image_size": image_size}
    if weights and Path(weights).exists():
        given["weights"] = str(Path(weights).resolve())
    model = dict(asked.get("model") or {}) | {name: value for name, value in given.items() if value is not None}
    if not (model.get("family") or model.get("weights")):
        raise InputError("Give --family, --weights and, where the family has several, --architecture.")
    config = {"model": model, "dataset": asked["dataset"], "base": str(base), "out": str(out.resolve())}
    config |= {"preset": preset or asked.get("preset"), "settings": dict(asked.get("settings") or {}) | changes}
    with stoppable():
        made = train_model(config | {"device": device}, job_progress)
    for remark in made["remarks"]:
        note(remark)
    group = made["worst_group_accuracy"]
    measured = f"accuracy {percent(made['accuracy'])}, worst class {percent(made['worst_class_accuracy'])}"
    measured += f", worst group {percent(group)}" if group is not None else ""
    answer(
        as_json,
        made,
        f"Kept epoch {made['epoch']} of {made['epochs']}; on the validation split: {measured}.\n"
        f"Next: neurontune extract --weights {out} --out PROJECT",
    )


def _asked(source: Path) -> tuple[dict[str, Any], Path]:
    """What is to be trained on: a file's ``dataset`` (and ``model``, ``preset``, ``settings``), or data as guessed."""
    from neurontune_core.datasets import guess_dataset

    if source.suffix == ".json":
        content = read_json(source)
        if not isinstance(content, dict) or not isinstance(content.get("dataset"), dict):
            raise InputError(f'{source} has no "dataset" with a spec, so it says nothing to train on.')
        return content, source.resolve().parent
    guess = guess_dataset(source)
    note(guess.description)
    return {"dataset": guess.spec}, Path.cwd()
