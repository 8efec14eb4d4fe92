"""A row of the paper's tables from nothing but the data: ERM training, extraction, methods, over seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from neurontune_core.baselines.base import Method
from neurontune_core.baselines.registry import METHODS, method
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate, group_shares, reweighted_accuracy
from neurontune_core.experiments.published import DATASETS
from neurontune_core.experiments.recipes import Recipe
from neurontune_core.files import read_json, write_json
from neurontune_core.head import LinearHead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.project import Project

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
    """Train, extract and run the methods for every seed; what is done already is not done again.

    Args:
        root: the data set, as it is unpacked.
        out: a folder for everything; ``results.json`` in it grows with every run.
        model: ``weights``, and what differs from the recipe's ``family`` and ``architecture``.
        seeds: 0..seeds-1; each trains a model of its own.
        shared_training: all seeds use the model of seed 0.
        methods: keys; default: the recipe's, with ERM and masking off always among them.
        imagenet_a: with ImageNet-9, the folder of ImageNet-A.
        training, tuning: settings that differ from the published ones.
        report: called as a job's is; what it raises passes, and the same call goes on from there.

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
        raise InputError(f"{imagenet_a} is not ImageNet-A, or the data set is not ImageNet-9. {extra.description}")
    spec = {"family": recipe.family, "architecture": recipe.architecture} | dict(model)
    wanted = {"model": {name: value for name, value in spec.items() if value}, "preset": recipe.key, "device": device}
    wanted |= {"dataset": guess.spec, "base": str(Path.cwd())}
    asked: dict[str, Any] = {
        "dataset": recipe.key,
        "model": wanted["model"],
        "training": dict(training),
        "tuning": dict(tuning),
    }
    asked |= {"root": guess.spec["root"], "shared_training": shared_training}
    records = _known(out, asked)
    for seed in range(seeds):
        trained = out / f"seed-{0 if shared_training else seed}"
        missing = [key for key in keys if not any((each["method"], each["seed"]) == (key, seed) for each in records)]
        if not missing:
            continue
        settings = dict(training) | {"seed": 0 if shared_training else seed}
        project = _project(trained, wanted | {"settings": settings}, _told(report, f"seed {seed}"))
        adversarial = _extra_set(trained, project, extra.spec, device, report) if extra else None
        sets = {role: project.load_set(role) for role in ("identification", "tuning", "evaluation")}
        for key in missing:
            report(done=0, total=0, message=f"seed {seed}, {METHODS[key].name}")
            tune = replace(recipe.tune, **tuning)
            records.append(_run(METHODS[key], seed, tune, project.load_head(), sets, adversarial))
            write_json(out / "results.json", {"asked": asked, "runs": records})
    return [each for each in records if each["method"] in keys and each["seed"] < seeds]


def _known(out: Path, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of an earlier call, which must have asked for the same."""
    file = out / "results.json"
    if not file.is_file():
        return []
    content = read_json(file)
    differ = [name for name, value in json.loads(json.dumps(asked)).items() if content["asked"].get(name) != value]
    if differ:
        raise InputError(
            f"{out} holds a reproduction with another {' and '.join(differ)}; choose another folder, or delete it."
        )
    return list(content["runs"])


def _told(report: Report, prefix: str) -> Report:
    def tell(*, message: str = "", split: str = "", **numbers: Any) -> None:
        report(message=f"{prefix}, {message or f'extracting {split}'}", **numbers)

    return tell


def _project(folder: Path, config: dict[str, Any], report: Report) -> Project:
    """The trained model's project: trained and extracted where that has not been done."""
    from neurontune_core.training.job import train_model
    from neurontune_core.workspace.tasks import extract_project

    made = train_model(config | {"out": str(folder / "model")}, report)
    extract = {"model": {"weights": made["model"]}, "dataset": made["dataset"], "device": config["device"]}
    extract_project(extract | {"base": config["base"], "out": str(folder / "project")}, report)
    return Project.at(folder / "project")


def _extra_set(folder: Path, project: Project, spec: dict[str, Any], device: str, report: Report) -> EmbeddingSet:
    """ImageNet-A by the same network."""
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
    tune: TuneConfig,
    head: LinearHead,
    sets: Mapping[str, EmbeddingSet],
    adversarial: EmbeddingSet | None,
) -> dict[str, Any]:
    settings = tune if entry.settings is TuneConfig else entry.settings()
    if any(each.name == "seed" for each in fields(settings)):
        settings = replace(settings, seed=seed)
    about = {"method": entry.key, "seed": seed, "uses_groups": bool(entry.groups_needed(settings))}
    try:
        result = entry.run(head, sets["identification"], sets["tuning"], settings)
    except InputError as error:
        return about | {"error": str(error)}
    measured = measures(result.head, sets["evaluation"], sets["tuning"])
    if adversarial is not None:
        measured["imagenet_a"] = evaluate(result.head, adversarial).accuracy
    shown = {name: value for name, value in asdict(settings).items() if not isinstance(value, np.ndarray)}
    return about | {
        "settings": shown,
        "chosen": dict(result.chosen),
        "warnings": list(result.warnings),
        "error": "",
        **measured,
    }


def measures(head: LinearHead, evaluation: EmbeddingSet, tuning: EmbeddingSet) -> dict[str, float | None]:
    """What tables report, in 0..1; None where the data has no such groups.

    ``accuracy`` counts every sample once, ``reweighted`` weighs groups as they occur in training, ``worst_group`` is
    over the data set's groups, ``worst_overlapping`` over those of which a sample may be in several (CivilComments).
    """
    found = evaluate(head, evaluation)
    return {
        "accuracy": found.accuracy,
        "reweighted": reweighted_accuracy(found, group_shares(tuning, evaluation)),
        "worst_group": found.worst_group_accuracy,
        "worst_overlapping": found.by_overlapping_groups().worst_group_accuracy,
        "worst_class": found.worst_class_accuracy,
    }
