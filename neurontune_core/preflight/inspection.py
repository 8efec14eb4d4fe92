"""The inspection itself: open both halves, pair them, run a small sample, and collect what was found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import DatasetGuess
from neurontune_core.errors import InputError
from neurontune_core.extraction.pairing import Pairing, accepts_order, pair, spec_for
from neurontune_core.models.detect import ModelGuess
from neurontune_core.preflight.report import Finding, Report, Subject
from neurontune_core.preflight.request import Request

if TYPE_CHECKING:
    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import Network

SAMPLES, SECONDS, FILES = 128, 8.0, 200
_ORDER = ("blocker", "warning", "note")

OnStage = Callable[[str], object]


def inspect_dataset(
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
    r"""Inspect a dataset and, where the request names one, the model that is to read it.

    Whatever is refused becomes a finding, and the other half is still reported.

    Args:
        request: the two paths and the user's corrections.
        base: the folder that relative paths start from.
        out: where extraction would write, to check the free space on that disk.
        samples: run through the model, at most; no further batch starts after ``seconds``.
        files: samples that are opened to check that they can be read.
        device: "auto" or a torch device.
        seed: of both draws.
        allow_python: whether the model may be a Python entry point; only the command line sets it.
        on_stage: called with the name of each stage.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "reviews.csv").write_text("text,label\na good one,good\na bad one,bad\n")
    ...     report = inspect_dataset(Request(folder))
    >>> report.data.class_names, report.data.num_samples, report.model
    (('bad', 'good'), 2, None)
    """
    from neurontune_core.preflight.data import inspect_samples
    from neurontune_core.preflight.model import facts_of, judge_model, judge_pair

    started, findings = time.monotonic(), list[Finding]()
    on_stage("Recognizing the data")
    dataset: DatasetGuess | None = _try(request.dataset, "data", findings)
    on_stage("Recognizing the weights")
    model: ModelGuess | None = _try(request.model, "model", findings) if request.weights or request.entry else None
    on_stage("Reading the data")
    opened = _try(lambda: _open(dataset, base), "data", findings)
    on_stage("Loading the model")
    network = _try(lambda: _load(model, opened, base, allow_python), "model", findings)
    if network is not None:
        findings += [
            Finding(doubt.level, doubt.about, doubt.sentence, doubt.fix, doubt.flags)
            for doubt in network.loading.doubts
        ]
    pairing = None
    if opened is not None and network is not None and model and dataset:
        pairing = pair(network, opened, spec_for(opened, model.spec), dataset.spec, base)
        opened = pairing.dataset
        findings += judge_pair(pairing)
    data_facts = None
    if opened is not None and dataset is not None:
        on_stage("Opening some of the samples")
        spec = pairing.dataset_spec if pairing else dataset.spec
        data_facts, data_findings = inspect_samples(opened, spec, dataset.description, files, seed)
        findings += data_findings
    facts = None
    if network is not None and model is not None:
        facts = facts_of(network, model, pairing.preprocessing_from if pairing else "")
    report = Report(facts, data_facts, None, None, (), *_specs(model, dataset, network, opened, pairing))
    if pairing is not None and not any(finding.level == "blocker" for finding in findings):
        on_stage("Running a few samples through the model")
        measured = _try(
            lambda: _measure(report, pairing, base, out, samples, seconds, device, seed, bool(request.classes)),
            "accuracy",
            findings,
        )
        if measured is not None:
            report, more = measured
            findings += more
    findings += judge_model(facts, report.accuracy) if facts else []
    in_order = sorted(findings, key=lambda finding: _ORDER.index(finding.level))
    return replace(report, findings=tuple(in_order), seconds=time.monotonic() - started)


def _specs(
    model: ModelGuess | None, dataset: DatasetGuess | None, network: Any, opened: Any, pairing: Pairing | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the specs for extraction, model and dataset; None for a half that was refused."""
    if pairing is not None:
        return pairing.model_spec, pairing.dataset_spec
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
    pairing: Pairing,
    base: str | Path,
    out: str | Path,
    samples: int,
    seconds: float,
    device: str,
    seed: int,
    named: bool,
) -> tuple[Report, list[Finding]]:
    """Add the accuracy on a small sample and the cost of the whole extraction to the report."""
    from neurontune_core.extraction.extract import choose_device
    from neurontune_core.preflight.accuracy import judge, measure
    from neurontune_core.preflight.cost import PeakMemory, bytes_of, estimate, judge_cost
    from neurontune_core.preflight.sample import ask

    model: Network[Any] = pairing.model
    device, class_names = choose_device(device), pairing.dataset.class_names
    model.to(device)
    own_head = model.loading.trained_head and model.num_classes == len(class_names)
    with PeakMemory(device) as peak:
        answers = ask(model, pairing.dataset, samples=samples, seconds=seconds, seed=seed, with_answers=own_head)
    findings: list[Finding] = []
    accuracy, cost = None, None
    if len(answers.labels):
        accuracy = measure(answers, len(class_names), class_names)
        order = tuple(class_names[label] for label in (accuracy.order.settings["order"] if accuracy.order else ()))
        can_reorder = bool(order) and accepts_order(pairing, order, base)
        findings += judge(accuracy, class_names, can_reorder, named=named)
    if answers.rates:
        total = len(pairing.dataset.samples)
        cost = estimate(answers, peak.bytes, bytes_of(model.module), device, total, model.num_neurons)
        findings += judge_cost(cost, Path(out))
    return replace(report, accuracy=accuracy, cost=cost), findings


def _try(action: Callable[[], Any], about: Subject, findings: list[Finding]) -> Any:
    """Return the result of ``action``; where it raises InputError, add a finding with its sentence and return None."""
    try:
        return action()
    except InputError as error:
        agreeing = "use_last_linear" in str(error)
        fix, flags = ("Agree to go by the last linear layer.", "--use-last-linear") if agreeing else ("", "")
        findings.append(Finding("blocker", about, str(error), fix, flags))
        return None
