"""The verbs on projects: example, extract, export, app."""

from __future__ import annotations

import runpy
import sys
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from neurontune_core.cli.flowers import (
    FLOWERS,
    Epochs,
    Name,
    Photographs,
    Seed,
    made_flowers,
    refuse_flowers_options,
)
from neurontune_core.cli.options import AsJson, Out, answer, described, headline, note, progress, stoppable
from neurontune_core.cli.source_options import (
    Arch,
    Classes,
    Column,
    Data,
    Entry,
    Family,
    ImageSize,
    NumClasses,
    Preprocess,
    UseLastLinear,
    Weights,
    request_of,
)
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.models import is_python_entry, names_entry
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.result import TuneResult
from neurontune_core.workspace.project import ROLES, Project
from neurontune_core.workspace.workspace import APP, DEFAULT_EXAMPLE, EXAMPLES


def example(
    name: Annotated[str, typer.Argument(help=f"{', '.join(EXAMPLES)} or {FLOWERS}.")] = DEFAULT_EXAMPLE,
    photographs: Photographs = None,
    project_name: Name = None,
    epochs: Epochs = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Run a built-in example, or make the one of the flowers from a photo archive and run it.

    It compares the classifier as it was trained (ERM), its head retrained without a mask, NeuronTune as in the paper,
    and the head that the adviser chooses. Making the flowers takes some minutes; after Ctrl-C the same command resumes
    it.
    """
    from neurontune_core.advise import advise
    from neurontune_core.advise.sentences import sentence

    if name == FLOWERS:
        project = made_flowers(photographs, project_name, epochs, seed)
    elif name not in EXAMPLES:
        raise InputError(f'There is no example "{name}"; use {", ".join(EXAMPLES)} or {FLOWERS}.')
    else:
        refuse_flowers_options(name, photographs=photographs, name=project_name, epochs=epochs, seed=seed)
        project = Project.at(EXAMPLES[name])
    sets, erm = {role: project.load_set(role) for role in ROLES}, project.load_head()
    results: dict[str, TuneResult] = {}
    for name, config in (("No masking", TuneConfig(masking=False)), ("NeuronTune", TuneConfig())):
        note(f"{name} ...")
        results[name] = neurontune(erm, sets["identification"], sets["tuning"], config)
    note("Advice ...")
    advice = advise(erm, sets["identification"], sets["tuning"])
    heads = {"ERM": erm} | {name: result.head for name, result in results.items()} | {"Advised head": advice.head}
    evaluations = {name: evaluate(head, sets["evaluation"]) for name, head in heads.items()}
    tuned = results["NeuronTune"]
    masked, neurons = int(tuned.biased.sum()), len(tuned.biased)
    value = {
        "title": project.title,
        "project": str(project.source),
        "num_neurons": neurons,
        "num_biased": masked,
        "epoch": tuned.epoch,
        "seconds": tuned.seconds,
        "advice": sentence(advice),
        "heads": [
            {
                "name": name,
                "accuracy": evaluation.accuracy,
                "worst_group_accuracy": evaluation.worst_group_accuracy,
                "accuracy_gap": evaluation.accuracy_gap,
                "worst_class_accuracy": evaluation.worst_class_accuracy,
            }
            for name, evaluation in evaluations.items()
        ],
    }
    text = (
        f"{project.title} {project.problem}\n\n{headline(evaluations)}\n\n"
        f"NeuronTune masked {masked} of {neurons} neurons and took {tuned.seconds:.1f} s; "
        f"group labels were used for this table alone.\n\n{sentence(advice)}"
    )
    answer(as_json, value, text)


def extract(
    out: Out,
    data_path: Data = None,
    weights_path: Weights = None,
    project: Annotated[
        Path | None, typer.Option(help="A project.json or its folder; its model and dataset are extracted.")
    ] = None,
    family: Family = None,
    arch: Arch = None,
    weights: Annotated[str | None, typer.Option(help="The weights, instead of as second argument.")] = None,
    data: Annotated[str | None, typer.Option(help="The data, instead of as first argument.")] = None,
    column: Column = None,
    classes: Classes = None,
    entry: Entry = None,
    num_classes: NumClasses = None,
    image_size: ImageSize = None,
    preprocessing: Preprocess = None,
    use_last_linear: UseLastLinear = False,
    split: Annotated[list[str] | None, typer.Option(help="train, val or test; repeat it; all when left out.")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    batch_size: Annotated[int, typer.Option(help="Samples per batch.")] = 32,
    dtype: Annotated[str, typer.Option(help="Type of the vectors on disk: float16 or float32.")] = "float16",
    as_json: AsJson = False,
) -> None:
    """Extract the embeddings of a dataset and the model's head to a project.

    After Ctrl-C the same command resumes it. Check first with inspect, which takes the same options.
    """
    from neurontune_core.workspace.tasks import extract_project

    config: dict[str, Any] = {"out": str(out), "device": device, "batch_size": batch_size, "dtype": dtype}
    if split:
        config["splits"] = split
    _refuse_two(data_path=data_path, data=data, weights_path=weights_path, weights=weights)
    if project is not None:
        own: dict[str, Any] = {
            "DATA": data_path or data,
            "WEIGHTS": weights_path or weights,
            "--family": family,
            "--arch": arch,
        }
        own |= {"--column": column, "--classes": classes, "--num-classes": num_classes}
        own |= {"--image-size": image_size, "--preprocessing": preprocessing, "--use-last-linear": use_last_linear}
        extra = [option for option, value in own.items() if value is not None and value is not False]
        if not extra:
            opened = Project.at(project)
            content, base = opened.content, opened.source
        if entry is not None and (extra or not is_python_entry(content.get("model") or {})):
            extra.append("--entry")  # else the user repeats the project's own, since it runs code
        if extra:
            raise InputError(f"--project has a model and a dataset already; leave out {', '.join(extra)}.")
        config |= {key: content[key] for key in ("model", "dataset", "name", "title", "problem") if key in content}
    else:
        from neurontune_core.models.saved import trained_on

        request = request_of(
            *(data_path or data, weights_path or weights, family, arch, column, classes, entry),
            *(num_classes, image_size, preprocessing, use_last_linear),
        )
        base = Path.cwd()
        dataset = None if request.data else trained_on({"weights": request.weights}, base)
        if not (request.data or dataset) or not (request.weights or request.entry):
            raise InputError("Give the data and the weights, neurontune extract DATA WEIGHTS; or give --project.")
        model = request.model()
        if dataset is None:
            guess = request.dataset()
            note(guess.description)
            dataset = guess.spec
        note(model.description)
        config |= {"model": model.spec, "dataset": dataset}
    for key in ("model", "dataset"):
        if not config.get(key):
            raise InputError(f'The project {project} has no "{key}", so nothing can be extracted from it.')

    def report(*, done: int, total: int, rate: float, split: str) -> None:
        progress(f"{split}: {done} of {total} samples, {rate:.1f} a second")

    with stoppable():
        made = extract_project(config | {"base": str(base)}, report, allow_python=names_entry(config["model"], entry))
    head = "with the model's head" if made["head"] else "without a head: the model's own is for other classes"
    answer(as_json, made | {"out": str(out)}, f"Extracted {', '.join(made['embeddings'])} to {out}, {head}.")


def _refuse_two(*, data_path: str | None, data: str | None, weights_path: str | None, weights: str | None) -> None:
    """Raise InputError where an argument and the option of the same meaning are both given."""
    for name, argument, option in (("data", data_path, data), ("weights", weights_path, weights)):
        if argument and option:
            raise InputError(f'The {name} are given twice, as "{argument}" and as --{name} "{option}"; give them once.')


def export(
    out: Out,
    head: Annotated[Path, typer.Option(help="The tuned head that tune wrote.")],
    mask: Annotated[Path, typer.Option(help="The mask.json that tune wrote.")],
    erm: Annotated[Path | None, typer.Option(help="The head before tuning; the project's by default.")] = None,
    evaluation: Annotated[Path | None, typer.Option(help="Set for the card's table; the project's by default.")] = None,
    masking_off: Annotated[Path | None, typer.Option(help="A head tuned with --no-mask, for the card.")] = None,
    project: Annotated[
        Path | None, typer.Option(help="A project.json or its folder; its whole model is exported, too.")
    ] = None,
    entry: Entry = None,
    as_json: AsJson = False,
) -> None:
    """Export a bundle: mask, head, model, card.

    Each file is read back and compared; when one differs, nothing is written and the exit code is 1.
    """
    from neurontune_core.export.bundle import VerificationError, export_bundle
    from neurontune_core.export.card import TunedRun

    opened = Project.at(project) if project else None
    if opened is not None:
        erm, evaluation = erm or opened.head_file, evaluation or opened.set_folder("evaluation")
    if erm is None or evaluation is None:
        raise InputError("Give --erm and --evaluation, or a --project that has them.")
    content = opened.content if opened else {}
    tuned, masked = LinearHead.load(head), Mask.load(mask)
    data = {role.capitalize(): masked.source[role] for role in ("identification", "tuning") if role in masked.source}
    measured = EmbeddingSet.load(evaluation)
    before = LinearHead.load(erm)
    before.check_fits(measured.num_neurons, measured.num_classes)
    run = TunedRun(
        erm=before,
        head=tuned,
        mask=masked,
        config=_config_of(tuned, head),
        evaluation=measured,
        epoch=tuned.provenance.get("epoch"),
        masking_off=LinearHead.load(masking_off) if masking_off else None,
        data=data | {"Evaluation": described(measured)},
        title=content.get("title") or "A classifier",
        problem=content.get("problem", ""),
    )
    try:
        files = export_bundle(
            out,
            run,
            model=content.get("model"),
            dataset=content.get("dataset"),
            base=opened.source if opened else Path.cwd(),
            allow_python=names_entry(content.get("model"), entry),
        )
    except VerificationError as error:
        note(str(error))
        raise typer.Exit(1) from None
    value = [{"name": file.name, "path": str(file.path), "bytes": file.bytes, "check": file.check} for file in files]
    rows = [[file.name, f"{file.bytes:,} bytes", f" {file.check}"] for file in files]
    answer(as_json, {"files": value}, "\n".join("  ".join(row) for row in rows))


def _config_of(tuned: LinearHead, file: Path) -> TuneConfig:
    """Return the settings that tune recorded in the head's file."""
    names = [setting.name for setting in fields(TuneConfig)]
    if not set(names) <= set(tuned.provenance):
        raise InputError(f"{file} has no record of how it was tuned; give the head that tune wrote.")
    return TuneConfig(**{name: tuned.provenance[name] for name in names})


def app(
    port: Annotated[int, typer.Option(help="Port.", min=1, max=65535)] = 8501,
    address: Annotated[
        str, typer.Option(help="Address to listen on; the default is this machine alone.")
    ] = "127.0.0.1",
    headless: Annotated[bool, typer.Option("--headless/--browser", help="Do not open a browser.")] = False,
) -> None:
    """Open the screens in a browser."""
    if not APP.is_file():
        raise InputError(f"There is no {APP}; start the screens from a checkout of the project.")
    sys.argv = ["streamlit", "run", str(APP), "--server.address", address]
    sys.argv += ["--server.port", str(port), "--server.headless", str(headless).lower()]
    runpy.run_module("streamlit", run_name="__main__")  # in this process, which has the imports already
