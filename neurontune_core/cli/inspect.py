"""The verb inspect: what a model and a dataset are, and whether they can be extracted."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from neurontune_core.cli.options import AsJson, answer, progress
from neurontune_core.cli.source_options import (
    Arch,
    Classes,
    Column,
    Entry,
    Family,
    Images,
    ImageSize,
    LabelThreshold,
    NumClasses,
    Preprocess,
    UseLastLinear,
    Weights,
    WeightsKey,
    request_of,
)
from neurontune_core.workspace.workspace import Workspace


def inspect(
    data: Annotated[str, typer.Argument(help="Folder or table of the data.")],
    weights: Weights = None,
    family: Family = None,
    arch: Arch = None,
    column: Column = None,
    classes: Classes = None,
    entry: Entry = None,
    num_classes: NumClasses = None,
    image_size: ImageSize = None,
    preprocessing: Preprocess = None,
    use_last_linear: UseLastLinear = False,
    label_threshold: LabelThreshold = None,
    images: Images = None,
    weights_key: WeightsKey = None,
    samples: Annotated[int, typer.Option(help="Samples that the model classifies, at most.", min=1)] = 128,
    seconds: Annotated[float, typer.Option(help="Seconds that classifying may take.", min=0)] = 8.0,
    files: Annotated[int, typer.Option(help="Samples to open, to check that they can be read.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the samples that are checked.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 1 on warnings, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a model and a dataset before extraction.

    One page: what both are, samples by split, class and group, accuracy on a small sample, the cost of extraction, and
    what is missing and how to fix it. Exit code 0: it can be extracted; 1: warnings, with --strict; 2: blockers.
    """
    from neurontune_core.preflight.inspection import inspect_dataset
    from neurontune_core.preflight.page import page

    request = request_of(
        *(data, weights, family, arch, column, classes, entry),
        *(num_classes, image_size, preprocessing, use_last_linear, label_threshold, images, weights_key),
    )
    report = inspect_dataset(
        request,
        samples=samples,
        seconds=seconds,
        files=files,
        seed=seed,
        device=device,
        out=Workspace().root,
        allow_python=entry is not None,
        on_stage=lambda stage: progress(f"{stage} ..."),
    )
    progress("")
    command = ""
    if report.status != "blockers" and report.model and report.data:
        command = shlex.join(["neurontune", "extract", *extract_words(request, device)])
    answer(as_json, report.to_json() | {"next": command}, page(report, command))
    if report.status == "blockers":
        raise typer.Exit(2)
    if strict and report.status == "warnings":
        raise typer.Exit(1)


def extract_words(request: Any, device: str) -> list[str]:
    """Return the arguments of ``neurontune extract`` that extract what was inspected into the app's workspace."""
    words = [request.data, *([request.weights] if request.weights else [])]
    for flag, value in (("--family", request.family), ("--arch", request.architecture), ("--entry", request.entry)):
        words += [flag, value] if value else []
    for role, column in request.columns.items():
        words += ["--column", f"{role}={column or ''}"]
    words += ["--classes", ",".join(request.classes)] if request.classes else []
    words += ["--label-threshold", f"{request.label_threshold:g}"] if request.label_threshold is not None else []
    words += ["--images", request.images] if request.images else []
    words += ["--weights-key", request.settings["weights_key"]] if request.settings.get("weights_key") else []
    for key in ("num_classes", "image_size"):
        if request.settings.get(key) is not None:
            words += [f"--{key.replace('_', '-')}", str(request.settings[key])]
    for key, value in (request.settings.get("preprocessing") or {}).items():
        words += ["--preprocessing", f"{key}={_as_word(value)}"]
    words += ["--use-last-linear"] if request.settings.get("use_last_linear") else []
    words += ["--device", device] if device != "auto" else []
    name = Workspace().free_name(Path(request.data).expanduser().resolve().stem)
    return [*words, "--out", str(Workspace().root / "projects" / name)]


def _as_word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
