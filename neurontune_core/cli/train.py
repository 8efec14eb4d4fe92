"""The verb train: ERM training of a classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurontune_core.cli.options import AsJson, Out, answer, job_progress, note, percent, stoppable, with_settings
from neurontune_core.cli.source_options import Arch, Family, ImageSize
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
        str | None, typer.Option(help='Weights to start from: a checkpoint, a Hugging Face folder, or "random".')
    ] = None,
    image_size: ImageSize = None,
    preset: Annotated[
        str | None, typer.Option(help=f"Settings to start from: {', '.join(PRESETS)}; the dataset's own by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a classifier by ERM.

    Plain cross-entropy on the training split; the best epoch on the validation split is kept. After Ctrl-C the same
    command resumes it from its last complete epoch. Extract from the result with extract --weights OUT.
    """
    from neurontune_core.training.job import train_model

    request, base = _read_request(source)
    options = {"family": family, "architecture": architecture, "weights": weights, "image_size": image_size}
    if weights and Path(weights).exists():
        options["weights"] = str(Path(weights).resolve())
    model = dict(request.get("model") or {}) | {name: value for name, value in options.items() if value is not None}
    if not (model.get("family") or model.get("weights")):
        raise InputError("Give --family, --weights and, where the family has several, --architecture.")
    config = {"model": model, "dataset": request["dataset"], "base": str(base), "out": str(out.resolve())}
    config |= {"preset": preset or request.get("preset"), "settings": dict(request.get("settings") or {}) | changes}
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


def _read_request(source: Path) -> tuple[dict[str, Any], Path]:
    """Return the ``dataset`` (and ``model``, ``preset``, ``settings``) of a file or of data, and the base folder."""
    from neurontune_core.datasets import guess_dataset

    if source.suffix == ".json":
        content = read_json(source)
        if not isinstance(content, dict) or not isinstance(content.get("dataset"), dict):
            raise InputError(f'{source} has no "dataset" with a spec, so there is nothing to train on; add it.')
        return content, source.resolve().parent
    guess = guess_dataset(source)
    note(guess.description)
    return {"dataset": guess.spec}, Path.cwd()
