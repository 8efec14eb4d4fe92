"""A row of the paper's tables from the data alone: ERM training, extraction and methods, over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from neurontune_core.baselines.base import Method
from neurontune_core.baselines.registry import METHODS, method
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate, group_shares, reweighted_accuracy
from neurontune_core.experiments.origin import origin_of
from neurontune_core.experiments.published import DATASETS
from neurontune_core.experiments.recipes import Recipe
from neurontune_core.experiments.reproduction_results import Results, plain_settings
from neurontune_core.head import LinearHead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.project import ROLES, Project

Report = Callable[..., object]


def reproduce(
    recipe: Recipe,
    root: str | Path,
    out: str | Path,
    model: Mapping[str, Any],
    *,
    seeds: int = 5,
    shared_training: bool = False,
    methods: Sequence[str] = (),
    imagenet_a: str | Path | None = None,
    training: Mapping[str, Any] = MappingProxyType({}),
    tuning: Mapping[str, Any] = MappingProxyType({}),
    device: str = "auto",
    report: Report = lambda **_: None,
) -> list[dict[str, Any]]:
    """Train, extract and run the methods for every seed.

    What is done already is not repeated, unless it was made from another training or with other settings.

    Args:
        recipe: what the paper does on the dataset.
        root: the dataset, as it is unpacked.
        out: a folder for everything; ``results.json`` in it grows with every run.
        model: ``weights``, and what differs from the recipe's ``family`` and ``architecture``.
        seeds: 0..seeds-1; each trains a model of its own.
        shared_training: whether all seeds use the model of seed 0.
        methods: keys; those of the recipe when left out; ERM and masking_off are always among them.
        imagenet_a: with ImageNet-9, the folder of ImageNet-A.
        training, tuning: settings that differ from the published ones.
        device: "auto", "cuda", "mps" or "cpu".
        report: called as a job's is; what it raises passes, and the same call resumes from there.

    Returns:
        One record a run: ``method``, ``seed``, ``settings``, ``chosen``, ``warnings``, ``error``, ``uses_groups``, and
        the measured shares in 0..1 as `measures` names them.

    Raises:
        InputError: when the data is not what the recipe is for, or as training, extraction and methods do.
    """
    from neurontune_core.datasets import guess_dataset

    if seeds < 1:
        raise InputError(f"Expected at least one seed, but got {seeds}.")
    out, keys = Path(out).resolve(), [method(key).key for key in methods or recipe.methods]
    keys = list(dict.fromkeys(("erm", "masking_off", *keys)))
    guess = guess_dataset(root)
    if guess.spec["format"] != recipe.key:
        raise InputError(f"{root} is not {DATASETS[recipe.key]} as it is unpacked. {guess.description}")
    extra = guess_dataset(imagenet_a) if imagenet_a else None
    if extra is not None and (extra.spec["format"] != "imagenet_a" or recipe.key != "imagenet9"):
        raise InputError(f"{imagenet_a} is not ImageNet-A, or the dataset is not ImageNet-9. {extra.description}")
    spec = {"family": recipe.family, "architecture": recipe.architecture} | dict(model)
    spec = {name: value for name, value in spec.items() if value}
    config = {"model": spec, "preset": recipe.key, "device": device, "dataset": guess.spec, "base": str(Path.cwd())}
    request: dict[str, Any] = {"dataset": recipe.key, "model": spec, "training": dict(training), "tuning": dict(tuning)}
    request |= {"root": guess.spec["root"], "shared_training": shared_training}
    results = Results.open(out / "results.json", request, extra.spec["root"] if extra else None)
    tune = replace(recipe.tune, **tuning)
    settings = {(key, seed): _settings(METHODS[key], seed, tune, recipe) for seed in range(seeds) for key in keys}
    for first in range(1 if shared_training else seeds):
        name, own = f"seed-{first}", range(seeds) if shared_training else [first]
        runs = [(key, seed) for seed in own for key in keys]
        if all(results.holds(*run, settings[run]) for run in runs):
            continue
        trained = config | {"settings": dict(training) | {"seed": first}}
        project = _project(out / name, trained, _prefixed(report, f"seed {first}"))
        adversarial = _extra_set(out / name, project, extra.spec, device, report) if extra else None
        head, sets = project.load_head(), {role: project.load_set(role) for role in ROLES}
        origin = origin_of(head, sets | ({"imagenet_a": adversarial} if adversarial else {}))
        if results.bind(name, own, origin):
            report(done=0, total=0, message=f"seed {first}, runs of another training are repeated")
        for key, seed in runs:
            if not results.holds(key, seed, settings[key, seed]):
                report(done=0, total=0, message=f"seed {seed}, {METHODS[key].name}")
                results.add(_run(METHODS[key], seed, settings[key, seed], head, sets, adversarial))
    return [results.runs[key, seed] for seed in range(seeds) for key in keys]


def _settings(entry: Method, seed: int, tune: TuneConfig, recipe: Recipe) -> Any:
    own = recipe.settings.get(entry.key, {})
    settings = tune if entry.settings is TuneConfig else entry.settings(**own)
    names = {setting.name for setting in fields(settings)} & {"seed", "split_seed"}
    return replace(settings, **dict.fromkeys(names, seed))


def _prefixed(report: Report, prefix: str) -> Report:
    def tell(*, message: str = "", split: str = "", **numbers: Any) -> None:
        report(message=f"{prefix}, {message or f'extracting {split}'}", **numbers)

    return tell


def _project(folder: Path, config: dict[str, Any], report: Report) -> Project:
    """Return the project of the trained model, trained and extracted where that has not been done."""
    from neurontune_core.training.job import train_model
    from neurontune_core.workspace.tasks import extract_project

    made = train_model(config | {"out": str(folder / "model")}, report)
    extract = {"model": {"weights": made["model"]}, "dataset": made["dataset"], "device": config["device"]}
    extract_project(extract | {"base": config["base"], "out": str(folder / "project")}, report)
    return Project.at(folder / "project")


def _extra_set(folder: Path, project: Project, spec: dict[str, Any], device: str, report: Report) -> EmbeddingSet:
    """Extract ImageNet-A with the same network."""
    from neurontune_core.datasets import open_dataset
    from neurontune_core.extraction.extract import extract
    from neurontune_core.models import load_model

    def progress(done: int, total: int, rate: float) -> None:
        report(done=done, total=total, rate=rate, message="extracting ImageNet-A")

    network = load_model(project.content["model"], project.source)
    dataset = open_dataset(spec, folder)
    return extract(network, dataset, folder / "imagenet_a", split="test", device=device, on_progress=progress)


def _run(
    entry: Method,
    seed: int,
    settings: Any,
    head: LinearHead,
    sets: Mapping[str, EmbeddingSet],
    adversarial: EmbeddingSet | None,
) -> dict[str, Any]:
    about = {"method": entry.key, "seed": seed, "uses_groups": bool(entry.groups_needed(settings))}
    about |= {"settings": plain_settings(settings)}
    try:
        result = entry.run(head, sets["identification"], sets["tuning"], settings)
    except InputError as error:
        return about | {"error": str(error)}
    measured = measures(result.head, sets["evaluation"], sets["tuning"])
    if adversarial is not None:
        measured["imagenet_a"] = evaluate(result.head, adversarial).accuracy
    return about | {"chosen": dict(result.chosen), "warnings": list(result.warnings), "error": "", **measured}


def measures(head: LinearHead, evaluation: EmbeddingSet, tuning: EmbeddingSet) -> dict[str, float | None]:
    """Measure what the tables report, in 0..1; None where the data has no such groups.

    ``accuracy`` counts every sample once, ``reweighted`` weighs groups as they occur in training, ``worst_group`` is
    over the dataset's groups, ``worst_overlapping`` over those of which a sample may be in several (CivilComments).

    >>> import numpy as np
    >>> data = EmbeddingSet(np.eye(2, dtype=np.float32), np.array([0, 1]), ("cat", "dog"))
    >>> measures(LinearHead(np.eye(2), np.zeros(2)), data, data)["worst_class"]
    1.0
    """
    measured = evaluate(head, evaluation)
    return {
        "accuracy": measured.accuracy,
        "reweighted": reweighted_accuracy(measured, group_shares(tuning, evaluation)),
        "worst_group": measured.worst_group_accuracy,
        "worst_overlapping": measured.by_overlapping_groups().worst_group_accuracy,
        "worst_class": measured.worst_class_accuracy,
    }
