"""Which head a run should keep, without group labels: rules compared by the worst group on test.

For every problem (benchmarks/advice_problems.py), validation set (balanced over the groups, or as biased as the
training set) and seed, three loops run: no masking, the paper's, and the one with the stable mask. The logits of every
epoch's head on validation and test are cached, so that a rule is evaluated in milliseconds: averaging heads averages
logits. "Robust" lets `choose_epochs`, which `neurontune` calls with the preset of that name, choose among these.

Regret: the best worst-group accuracy on test of {trained head, mask alone, no masking, SFit, worst class} of the same
case minus the rule's, in points. Spread: the standard deviation over the seeds of a problem, averaged over problems.
Behind: cases where the mask alone beats the trained head and the rule is more than 2 points behind the mask alone, and
how many of those are beyond 1.96 standard errors. Agreement: the Jaccard index of two masks from the two halves of
validation, over that of two random masks of the same sizes.

    PYTHONPATH=. OMP_NUM_THREADS=1 python benchmarks/selection_rules.py --part "held out"
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from advice_problems import VALIDATIONS, Problem, Sets, development, held_out
from selection_masks import halves, loops, print_masks
from threadpoolctl import threadpool_limits

from neurontune_core import InputError, LinearHead
from neurontune_core.evaluation.worst_class import worst_class_lead
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.mask_rule import held_epochs
from neurontune_core.tuning.presets import preset
from neurontune_core.tuning.robust import LOOPS, choose_epochs

REFERENCES = ("trained head", "mask alone", "no masking", "SFit", "worst class")
Logits = tuple[np.ndarray, np.ndarray]  # on validation [N, C] and on test


@dataclass(frozen=True, eq=False)
class Case:
    """One problem, validation set and seed, as cached."""

    family: str
    problem: str
    validation: str
    kept: dict[str, np.ndarray]

    def loop(self, name: str) -> Logits | None:
        """Return [E, N, C] logits after every epoch; None where the loop had no epoch."""
        return (self.kept[f"{name}/val"], self.kept[f"{name}/test"]) if f"{name}/val" in self.kept else None

    def head(self, name: str) -> Logits:
        return self.kept[f"{name}/val"], self.kept[f"{name}/test"]


class CachedLoop:
    """A loop of a case, for `choose_epochs`: it averages logits where a run averages heads."""

    def __init__(self, case: Case, name: str) -> None:
        labels, loop = case.kept["labels"], case.loop(name)
        self.val, self.test = (np.zeros((0, 0, 0)),) * 2 if loop is None else loop
        self.worst_class = worst_class(case, self.val).tolist() if len(labels) and loop is not None else []

    def average(self, places: Sequence[int]) -> CachedHead:
        return CachedHead(self.val[list(places)].mean(axis=0))


@dataclass(frozen=True, eq=False)
class CachedHead:
    """The logits [N, C] of one head on validation."""

    logits: np.ndarray

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        return np.asarray(self.logits.argmax(axis=-1))


def worst_class(case: Case, logits: np.ndarray) -> np.ndarray:
    """Return the worst-class accuracy of one head, or of each of several, on validation."""
    labels = case.kept["labels"]
    correct = logits.argmax(axis=-1) == labels
    return np.min([correct[..., labels == label].mean(axis=-1) for label in np.unique(labels)], axis=0)


def ranked(loop: str, values: Callable[[Case, np.ndarray], np.ndarray], count: int) -> Callable[[Case], Logits]:
    """Return the rule that averages the epochs of a loop with the highest values; the trained head without a loop."""

    def rule(case: Case) -> Logits:
        both = case.loop(loop)
        if both is None:
            return case.head("trained")
        order = np.argsort(-values(case, both[0]), kind="stable")[:count]
        return both[0][order].mean(axis=0), both[1][order].astype(np.float32).mean(axis=0)

    return rule


def sfit(loop: str) -> Callable[[Case, np.ndarray], np.ndarray]:
    return lambda case, logits: case.kept[f"{loop}/sfit"]


def latest(case: Case, logits: np.ndarray) -> np.ndarray:
    return np.arange(len(logits))


def even(case: Case, logits: np.ndarray) -> np.ndarray:
    """Return minus the largest difference of class accuracies, for epochs within one point of the best accuracy."""
    labels = case.kept["labels"]
    correct = logits.argmax(axis=-1) == labels
    classes = np.array([correct[:, labels == label].mean(axis=1) for label in np.unique(labels)])
    accuracy = correct.mean(axis=1)
    return np.where(accuracy >= accuracy.max() - 0.01, -np.ptp(classes, axis=0), -2.0)


def robust(case: Case) -> tuple[Logits, str]:
    """Return what the preset of that name keeps, and of which loop and how many epochs."""
    loops = [CachedLoop(case, name) for name in ("stable", "paper")]
    if not loops[0].worst_class:
        return case.head("trained"), "trained head: no mistakes"
    place, kept = choose_epochs(loops, loops[0].val, case.kept["labels"], held_epochs(TuneConfig().epochs))
    val, test = (logits[kept].astype(np.float32).mean(axis=0) for logits in (loops[place].val, loops[place].test))
    return (val, test), f"{len(kept)} of {LOOPS[place]}"


RULES: dict[str, Callable[[Case], Logits]] = {
    "trained head": lambda case: case.head("trained"),
    "mask alone": lambda case: case.head("mask alone"),
    "no masking": ranked("off", sfit("off"), 1),
    "SFit": ranked("paper", sfit("paper"), 1),
    "worst class": ranked("paper", worst_class, 1),
    "five best by worst class": ranked("paper", worst_class, 5),
    "last epoch": ranked("paper", latest, 1),
    "most even classes": ranked("paper", even, 1),
    "later half averaged": ranked("paper", latest, 20),
    "stable mask alone": lambda case: case.head("stable mask alone"),
    "stable mask, five best": ranked("stable", worst_class, 5),
    "stable mask held, averaged": lambda case: case.head("held"),
    "Robust": lambda case: robust(case)[0],
}


def measure(sets: Sets, seed: int) -> dict[str, np.ndarray]:
    """Return what is cached of one case."""
    val, test = sets.validation, sets.test
    assert test.groups is not None
    kept: dict[str, np.ndarray] = {"labels": val.labels, "test_labels": test.labels, "test_groups": test.groups}

    def keep(name: str, heads: Sequence[LinearHead], many: bool = True) -> None:
        for part, samples, kind in (("val", val, np.float32), ("test", test, np.float16)):
            logits = np.stack([head.logits(samples.embeddings) for head in heads]).astype(kind)
            kept[f"{name}/{part}"] = logits if many else logits[0]

    config = replace(preset("robust"), seed=seed)
    keep("trained", [sets.head], False)
    off = loops(sets, val, replace(config, masking=False))[0]
    keep("off", [off.average([place]) for place in range(off.epochs)])
    kept["off/sfit"] = np.array(off.sfit)
    try:
        runs = loops(sets, val, config)
    except InputError:  # no mistake on validation: every rule keeps the trained head
        for name in ("mask alone", "stable mask alone", "held"):
            keep(name, [sets.head], False)
        return kept
    for name, run in zip(("stable", "paper"), runs, strict=True):
        if run.epochs:
            keep(name, [run.average([place]) for place in range(run.epochs)])
            kept[f"{name}/sfit"] = np.array(run.sfit)
    predictions = sets.head.predict(val.embeddings)
    scorer = SpuriousnessScorer.for_config(config, val)
    biased = scorer(predictions).biased()
    stable = biased & (scorer.lower_bounds(predictions, config.stability) > 0).any(axis=0)
    keep("mask alone", [sets.head.masked(~biased)], False)
    keep("stable mask alone", [sets.head.masked(~stable)], False)
    held = min(20, runs[0].epochs)
    keep("held", [runs[0].average(list(range(held))[::-1][: max(1, held // 2)])], False)
    return kept


def cases(problems: Iterable[Problem], seeds: int, cache: Path) -> Iterable[Case]:
    cache.mkdir(parents=True, exist_ok=True)
    for problem in problems:
        for validation in VALIDATIONS:
            files = [cache / f"{problem.name}-{validation}-{seed}.npz" for seed in range(seeds)]
            sets = None if all(file.exists() for file in files) else problem.make(validation)
            for seed, file in enumerate(files):
                if not file.exists() and sets is not None:
                    began = time.perf_counter()
                    with threadpool_limits(1):
                        np.savez(file, **measure(sets, seed))
                    print(f"  {file.stem} {time.perf_counter() - began:.1f} s", flush=True)
                with np.load(file, allow_pickle=False) as content:
                    yield Case(problem.family, problem.name, validation, dict(content))


def outcome(case: Case, rule: str) -> np.ndarray:
    logits = RULES[rule](case)[1]
    return np.asarray(logits.astype(np.float32).argmax(axis=-1) == case.kept["test_labels"])


def worst_group(case: Case, correct: np.ndarray) -> float:
    groups = case.kept["test_groups"]
    return 100 * float(min(correct[groups == group].mean() for group in np.unique(groups)))


def print_tables(some: Sequence[Case]) -> None:
    right = [{rule: outcome(case, rule) for rule in RULES} for case in some]
    worst = {
        rule: np.array([worst_group(case, of[rule]) for case, of in zip(some, right, strict=True)]) for rule in RULES
    }
    best = np.max([worst[rule] for rule in REFERENCES], axis=0)
    problems, family = (np.array([getattr(case, name) for case in some]) for name in ("problem", "family"))
    families = list(dict.fromkeys(family))
    columns = ("rule", "mean", "regret", "only losses", "spread", "behind: cases, beyond error", *families)
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    masked = np.flatnonzero(worst["mask alone"] > worst["trained head"])
    for rule in RULES:
        regret = best - worst[rule]
        spread = np.mean([worst[rule][problems == name].std(ddof=1) for name in np.unique(problems)])
        behind = beyond = 0
        for place in masked:
            ahead, groups = right[place]["mask alone"], some[place].kept["test_groups"]
            lead, error = worst_class_lead(ahead, right[place][rule], groups)
            behind += lead > 0.02
            beyond += lead - 0.02 > 1.96 * error
        cells = [rule, f"{worst[rule].mean():.1f}", f"{regret.mean():+.1f}", f"{regret.clip(0).mean():.1f}"]
        cells += [f"{spread:.1f}", f"{behind} of {len(masked)}, {beyond}"]
        print(f"| {' | '.join([*cells, *(f'{worst[rule][family == name].mean():.1f}' for name in families)])} |")
    kept = Counter(robust(case)[1] for case in some)
    print(f"\nRobust kept, epochs of a loop: {', '.join(f'{name} {times}' for name, times in kept.most_common())}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("development", "held out"), default="development")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/selection-cache"))
    parser.add_argument("--only", default="", help="problems whose name begins with one of these, separated by commas")
    parser.add_argument("--backwards", action="store_true", help="the last problem first, for a second process")
    arguments = parser.parse_args()
    part = (development if arguments.part == "development" else held_out)(arguments.cache)
    some = [problem for problem in part if problem.name.startswith(tuple(arguments.only.split(",")))]
    order = some[::-1] if arguments.backwards else some
    all_cases = list(cases(order, arguments.seeds, arguments.cache / "cases"))
    masks = list(halves(order, arguments.cache / "halves"))
    for validation in VALIDATIONS:
        print(f"\n{arguments.part} part, {validation} validation\n")
        print_tables([case for case in all_cases if case.validation == validation])
        print_masks([of for which, of in masks if which == validation])


if __name__ == "__main__":
    main()
