"""The cases of benchmarks/advice.py: what every candidate and reference predicts, measured once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from advice_problems import VALIDATIONS, Problem, Sets
from threadpoolctl import threadpool_limits

from neurontune_core import EmbeddingSet, InputError, LinearHead, TuneConfig, neurontune, neurontune_halves
from neurontune_core.advise import Advice, advise
from neurontune_core.advise.candidate import Candidate
from neurontune_core.advise.counterexamples import CounterExamples
from neurontune_core.advise.rule import decided
from neurontune_core.evaluation.accuracy import evaluate_predictions

NO_UNIT = -1


@dataclass(frozen=True, eq=False)
class Case:
    """One problem, validation set and seed.

    Attributes:
        family, problem, validation: as in `Problem`.
        kept: by name: labels, groups and units of validation, those of test, and predictions: "validation/KEY" of the
            candidates on samples that they had not seen, by the run that "part/KEY" numbers, "candidate/KEY" and
            "reference/NAME" on test.
    """

    family: str
    problem: str
    validation: str
    kept: dict[str, np.ndarray]

    def has(self, reference: str) -> bool:
        return f"reference/{reference}" in self.kept

    def outcome(self, name: str) -> np.ndarray:
        return np.asarray(self.kept[name] == self.kept["test_labels"])

    def worst_group(self, name: str) -> float:
        groups, correct = self.kept["test_groups"], self.outcome(name)
        return float(min(correct[groups == group].mean() for group in np.unique(groups)))

    def worst_class(self, name: str) -> tuple[float, float]:
        """Return the worst-class accuracy on test with the groups weighted as in validation, and its standard error."""
        kept, correct = self.kept, self.outcome(name)
        classes = []
        for label in np.unique(kept["test_labels"]):
            accuracy = variance = 0.0
            for group in np.unique(kept["test_groups"][kept["test_labels"] == label]):
                share = np.mean(kept["groups"][kept["labels"] == label] == group)
                part = correct[kept["test_groups"] == group]
                accuracy += share * part.mean()
                variance += share**2 * max(part.var(), 1 / len(part)) / len(part)
            classes.append((float(accuracy), float(variance**0.5)))
        return min(classes)

    def advice(self) -> Advice:
        """Apply the rule of now to the predictions that are kept."""
        kept = self.kept
        names = tuple(f"class {label}" for label in range(int(kept["labels"].max()) + 1))
        truth = EmbeddingSet(np.ones((len(kept["labels"]), 1)), kept["labels"], names)
        units = None if kept["units"][0] == NO_UNIT else kept["units"]
        candidates = {}
        for name, predictions in kept.items():
            if name.startswith("validation/"):
                key = name.removeprefix("validation/")
                evaluation = evaluate_predictions(predictions, truth)
                head = LinearHead(np.zeros((len(names), 1)), np.zeros(len(names)))
                judged = tuple(np.flatnonzero(kept[f"part/{key}"] == part) for part in np.unique(kept[f"part/{key}"]))
                candidates[key] = Candidate(
                    key, head, predictions, evaluation, judged=judged, labels=kept["labels"], units=units
                )  # type: ignore[arg-type]
        measured = None
        if "counterexamples" in kept:
            measured = CounterExamples(*kept["counterexamples"], float(kept.get("together", 0.0)))
        mistakes = np.bincount(kept["labels"][kept["validation/erm"] != kept["labels"]], minlength=len(names))
        draft = Advice(
            "erm",
            "too_few",
            candidates,
            measured,
            {},
            kept["labels"],
            names,
            mistakes,
            ("val", "train"),
            units,
            None,
            float(kept["training"][5] / kept["training"][2]),
        )  # type: ignore[arg-type]
        return draft if measured is None else decided(draft)


def cases(problems: Iterable[Problem], seeds: int, cache: Path, *, only_cached: bool = False) -> Iterator[Case]:
    """Measure what is not in the cache, and return all cases."""
    cache.mkdir(parents=True, exist_ok=True)
    for problem in problems:
        for validation in VALIDATIONS:
            files = [cache / f"{problem.name}-{validation}-{seed}.npz" for seed in range(seeds)]
            missing = [file for file in files if not file.exists()]
            sets = None if only_cached or not missing else problem.make(validation)
            for seed, file in enumerate(files):
                if not file.exists() and sets is not None:
                    began = time.process_time()
                    with threadpool_limits(1):
                        kept = measure(sets, seed)
                    np.savez(file, **kept)  # type: ignore[arg-type]
                    print(f"  {file.stem} {time.process_time() - began:.1f} s", flush=True)
                if file.exists():
                    with np.load(file, allow_pickle=False) as content:
                        yield Case(problem.family, problem.name, validation, dict(content))


def measure(sets: Sets, seed: int) -> dict[str, np.ndarray]:
    val, test = sets.validation, sets.test
    assert test.groups is not None
    none = np.full(val.num_samples, NO_UNIT)
    kept = {
        "labels": val.labels,
        "groups": none if val.groups is None else val.groups,
        "units": none if val.unit_numbers is None else val.unit_numbers,
        "test_labels": test.labels,
        "test_groups": test.groups,
        "sizes": np.array([part.num_samples for part in (val, sets.train, test)]),
        "training": np.array(separation(sets)),
    }
    config = TuneConfig(seed=seed)
    advice = advise(sets.head, val, sets.train, config)
    kept["hard_share"] = np.array(max(candidate.hard_share for candidate in advice.candidates.values()))
    for key, candidate in advice.candidates.items():
        kept[f"validation/{key}"] = candidate.predictions
        kept[f"candidate/{key}"] = candidate.head.predict(test.embeddings)
        kept[f"part/{key}"] = np.zeros(val.num_samples, dtype=np.int64)
        for number, rows in enumerate(candidate.judged):
            kept[f"part/{key}"][rows] = number
    kept["reference/ERM"] = sets.head.predict(test.embeddings)
    if advice.counterexamples is not None:
        more = advice.counterexamples
        kept["together"] = np.array(more.together)
        kept["counterexamples"] = np.array([more.tuning_accuracy, more.identification_accuracy, more.standard_errors])
    attempts: dict[str, Callable[[], LinearHead]] = {
        "no masking": lambda: neurontune(sets.head, val, sets.train, replace(config, masking=False)).head,
        "NeuronTune": lambda: neurontune(sets.head, val, sets.train, config).head,
        "NeuronTune†": lambda: neurontune_halves(sets.head, val, config).head,
    }
    for name, attempt in attempts.items():
        if name == "no masking" and "masking_off" in advice.candidates:  # the same run
            kept["reference/no masking"] = kept["candidate/masking_off"]
            continue
        try:
            kept[f"reference/{name}"] = attempt().predict(test.embeddings)
        except InputError as error:  # no mistakes on validation
            print(f"  {name}: {error}")
    return kept


def separation(sets: Sets) -> list[float]:
    """Return accuracy of the ERM head, its mean margin, and how far the classes are apart, on train and validation."""
    measures: list[float] = []
    for samples in (sets.train, sets.validation):
        vectors = samples.embeddings.astype(np.float32)
        logits = sets.head.logits(vectors)
        ordered = np.sort(logits, axis=1)
        means = [vectors[samples.labels == label].mean(axis=0) for label in range(samples.num_classes)]
        within = np.mean([vectors[samples.labels == label].var(axis=0).sum() for label in range(samples.num_classes)])
        between = np.var(means, axis=0).sum()
        correct = logits.argmax(axis=1) == samples.labels
        measures += [float(correct.mean()), float((ordered[:, -1] - ordered[:, -2]).mean()), float(within / between)]
    return measures
