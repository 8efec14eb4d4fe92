"""A look before anything slow: what a model and a data set are, whether they fit, what extraction will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import DatasetGuess
from neurontune_core.errors import InputError
from neurontune_core.extraction.pairing import Joined, join, reordered, spec_for
from neurontune_core.models.detect import ModelGuess
from neurontune_core.preflight.report import Finding, Report, Subject
from neurontune_core.preflight.request import Request

if TYPE_CHECKING:
    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import Network

SAMPLES, SECONDS, FILES = 128, 8.0, 200
_ORDER = ("blocker", "warning", "note")

OnStage = Callable[[str], object]


def look(
    request: Request,
    base: str | Path = ".",
    *,
    out: str | Path = ".",
    samples: int = SAMPLES,
    seconds: float = SECONDS,
    files: int = FILES,
    device: str = "auto",
    seed: int = 0,
    allow_python: bool = False,
    on_stage: OnStage = lambda _: None,
) -> Report:
    """`preflight` of what two paths and corrections mean; a half that is not understood is a finding, too."""
    found: list[Finding] = []
    on_stage("Looking at the data")
    data = _try(request.dataset, "data", found)
    on_stage("Recognising the weights")
    model = _try(request.model, "model", found) if request.weights or request.entry else None
    report = preflight(
        model,
        data,
        base,
        out=out,
        samples=samples,
        seconds=seconds,
        files=files,
        device=device,
        seed=seed,
        allow_python=allow_python,
        on_stage=on_stage,
    )
    return replace(report, findings=_sorted([*found, *report.findings]))


def preflight(
    model: ModelGuess | dict[str, Any] | None,
    dataset: DatasetGuess | dict[str, Any] | None,
    base: str | Path,
    *,
    out: str | Path = ".",
    samples: int = SAMPLES,
    seconds: float = SECONDS,
    files: int = FILES,
    device: str = "auto",
    seed: int = 0,
    allow_python: bool = False,
    on_stage: OnStage = lambda _: None,
) -> Report:
    """Look at a model and a data set. Whatever is refused is a finding, and the other half is reported all the same.

    Args:
        model, dataset: specs for `load_model` and `open_dataset`, or guesses; None for a half that is not there.
        base: the folder that relative paths in them start from.
        out: where extraction would write, for the room on that disk.
        samples: asked of the model, at most; ``seconds``: after which no further batch is begun.
        files: samples that are opened to see whether they can be read.
        seed: of both draws.
        allow_python: whether the model may be a Python entry point; for a person at their own command line.
        on_stage: called with what is being done.
    """
    from neurontune_core.preflight.data import look_at_data
    from neurontune_core.preflight.model import facts_of, judge_model, judge_pair

    started, found = time.monotonic(), list[Finding]()
    model = ModelGuess(model, "") if isinstance(model, dict) else model
    dataset = DatasetGuess(dataset, "") if isinstance(dataset, dict) else dataset
    on_stage("Reading the data")
    opened = _try(lambda: _open(dataset, base), "data", found)
    on_stage("Loading the model")
    network = _try(lambda: _load(model, opened, base, allow_python), "model", found)
    joined = None
    if opened is not None and network is not None and model and dataset:
        joined = join(network, opened, spec_for(opened, model.spec), dataset.spec, base)
        opened, found = joined.dataset, [*found, *judge_pair(joined)]
    data_facts = None
    if opened is not None and dataset is not None:
        on_stage("Opening some of the samples")
        spec = joined.dataset_spec if joined else dataset.spec
        data_facts, wanting = look_at_data(opened, spec, dataset.description, files, seed)
        found += wanting
    facts = None
    if network is not None and model is not None:
        facts = facts_of(network, model, joined.preprocessing_from if joined else "")
    report = Report(facts, data_facts, None, None, (), *_specs(model, dataset, network, opened, joined))
    if joined is not None and not any(finding.level == "blocker" for finding in found):
        on_stage("Asking the model about a few samples")
        measured = _try(lambda: _measure(report, joined, base, out, samples, seconds, device, seed), "accuracy", found)
        if measured is not None:
            report, more = measured
            found += more
    found += judge_model(facts, report.accuracy) if facts else []
    return replace(report, findings=_sorted(found), seconds=time.monotonic() - started)


def _specs(
    model: ModelGuess | None, dataset: DatasetGuess | None, network: Any, opened: Any, joined: Joined | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What extraction is to be given; None for a half that was refused."""
    if joined is not None:
        return joined.model_spec, joined.dataset_spec
    return (model.spec if model and network else None), (dataset.spec if dataset and opened else None)


def _open(guess: DatasetGuess | None, base: str | Path) -> Dataset | None:
    from neurontune_core.datasets import open_dataset

    return None if guess is None else open_dataset(guess.spec, base, look_for_files=False)


def _load(guess: ModelGuess | None, dataset: Dataset | None, base: str | Path, allow_python: bool) -> Any:
    from neurontune_core.models import load_model

    if guess is None:
        return None
    spec = guess.spec if dataset is None else spec_for(dataset, guess.spec)
    return load_model(spec, base, allow_python=allow_python)


def _measure(
    report: Report,
    joined: Joined,
    base: str | Path,
    out: str | Path,
    samples: int,
    seconds: float,
    device: str,
    seed: int,
) -> tuple[Report, list[Finding]]:
    """The report with the accuracy on a small sample and the cost of the whole."""
    from neurontune_core.extraction.extract import choose_device
    from neurontune_core.preflight.accuracy import judge, measure
    from neurontune_core.preflight.cost import PeakMemory, bytes_of, estimate, judge_cost
    from neurontune_core.preflight.sample import ask

    model: Network[Any] = joined.model
    device, classes = choose_device(device), len(joined.dataset.class_names)
    model.to(device)
    own_head = model.loading.trained_head and model.num_classes == classes
    with PeakMemory(device) as peak:
        answers = ask(model, joined.dataset, samples=samples, seconds=seconds, seed=seed, with_answers=own_head)
    found: list[Finding] = []
    accuracy, cost = None, None
    if len(answers.labels):
        accuracy = measure(answers, classes)
        order = tuple(
            joined.dataset.class_names[place] for place in (accuracy.order.settings["order"] if accuracy.order else ())
        )
        can_reorder = bool(order) and reordered(joined, order, base)
        found += judge(accuracy, joined.dataset.class_names, can_reorder)
    if answers.rates:
        total = len(joined.dataset.samples)
        cost = estimate(answers, peak.bytes, bytes_of(model.module), device, total, model.num_neurons)
        found += judge_cost(cost, Path(out))
    return replace(report, accuracy=accuracy, cost=cost), found


def _try(action: Callable[[], Any], about: Subject, found: list[Finding]) -> Any:
    """What ``action`` gives; None when it refuses, and then its sentence is a finding."""
    try:
        return action()
    except InputError as error:
        agreeing = "use_last_linear" in str(error)
        mend, flags = ("Agree to go by the last linear layer.", "--use-last-linear") if agreeing else ("", "")
        found.append(Finding("blocker", about, str(error), mend, flags))
        return None


def _sorted(found: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.level)))


__all__ = ["Report", "Request", "look", "preflight"]
