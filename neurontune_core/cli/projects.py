"""The verbs on projects: example, extract, app."""

from __future__ import annotations

import runpy
import sys
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
from neurontune_core.cli.options import AsJson, Out, answer, headline, note, progress, stoppable
from neurontune_core.cli.source_options import (
    Arch,
    Classes,
    Column,
    Data,
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
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
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

    It compares the heads of the screens: the classifier as it was trained, the mask alone, the head retrained without a
    mask, the one retrained with it (NeuronTune as in the paper), and the advised one. Making the flowers takes some
    minutes; after Ctrl-C the same command resumes it.
    """
    from neurontune_core.advise import advise
    from neurontune_core.advise.sentences import sentence
    from neurontune_core.session.diagnosis import Diagnosis
    from neurontune_core.session.named_heads import NAMES

    if name == FLOWERS:
        project = made_flowers(photographs, project_name, epochs, seed)
    elif name not in EXAMPLES:
        raise InputError(f'There is no example "{name}"; use {", ".join(EXAMPLES)} or {FLOWERS}.')
    else:
        refuse_flowers_options(name, photographs=photographs, name=project_name, epochs=epochs, seed=seed)
        project = Project.at(EXAMPLES[name])
    sets, erm = {role: project.load_set(role) for role in ROLES}, project.load_head()
    results: dict[str, TuneResult] = {}
    for name, config in ((NAMES["masking-off"], TuneConfig(masking=False)), (NAMES["retrained"], TuneConfig())):
        note(f"{name} ...")
        results[name] = neurontune(erm, sets["identification"], sets["tuning"], config)
    note("Advice ...")
    advice = advise(erm, sets["identification"], sets["tuning"])
    diagnosis = Diagnosis(project)
    heads = {NAMES["trained"]: erm, NAMES["mask"]: diagnosis.masked_head(diagnosis.scores.biased(), 0.0)}
    heads |= {name: result.head for name, result in results.items()} | {NAMES["advised"]: advice.head}
    evaluations = {name: evaluate(head, sets["evaluation"]) for name, head in heads.items()}
    tuned = results[NAMES["retrained"]]
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
    label_threshold: LabelThreshold = None,
    images: Images = None,
    weights_key: WeightsKey = None,
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
        own |= {"--label-threshold": label_threshold, "--images": images, "--weights-key": weights_key}
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
            *(num_classes, image_size, preprocessing, use_last_linear, label_threshold, images, weights_key),
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
