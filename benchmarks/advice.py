"""What the adviser's choice costs: regret against the best of the heads that the paper's settings give.

For every problem (benchmarks/advice_problems.py), validation set (balanced over the groups, or as biased as the
training set) and seed, the reference is the best worst-group accuracy on test among ERM, no masking, NeuronTune and
NeuronTune† (halves of validation), each with the default settings, chosen with the test set's groups in hand. Regret
is that minus the worst-group accuracy of the advised head, which saw no group. It is negative where the advised head is
better than all four; "only losses" counts those as 0; "own too" adds the heads that the adviser tried to the four.
"Behind no masking" is the worst group without masking minus the advised head's: its mean, its largest value, and how
many cases are more than 2 points behind by more than 1.96 standard errors. All in percentage points.

Results are kept in --cache, one file a case, and taken from there on the next run; delete it after changing the rule.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from advice_problems import VALIDATIONS, Problem, Sets, problems

from neurontune_core import InputError, LinearHead, TuneConfig, neurontune, neurontune_halves
from neurontune_core.advise import advise
from neurontune_core.evaluation.worst_class import worst_class_lead
from neurontune_core.files import read_json, write_json

REFERENCES = ("ERM", "no masking", "NeuronTune", "NeuronTune†")
ADVISED = {
    "erm": "keep",
    "masking_off": "no masking on train",
    "neurontune": "NeuronTune on train",
    "weighted_up": "upweighted",
    "masking_off_held_out": "no masking on val",
    "neurontune_held_out": "NeuronTune†",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("development", "held out"), default="development")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/advice-cache"))
    parser.add_argument("--only", default="", help="problems whose name begins so")
    parser.add_argument("--cases", action="store_true", help="list every case")
    arguments = parser.parse_args()
    cases = []
    for problem in problems(arguments.cache):
        if problem.part == arguments.part and problem.name.startswith(arguments.only):
            for validation in VALIDATIONS:
                cases += measured(problem, validation, arguments.seeds, arguments.cache / "cases")
    for validation in VALIDATIONS:
        print(f"\n{arguments.part} part, {validation} validation\n")
        print_table([case for case in cases if case["validation"] == validation])
    if arguments.cases:
        for case in cases:
            print(json.dumps(case))


def measured(problem: Problem, validation: str, seeds: int, cache: Path) -> list[dict]:
    """Return one case for each seed."""
    files = [cache / f"{problem.name}-{validation}-{seed}.json" for seed in range(seeds)]
    if not all(file.exists() for file in files):
        sets = problem.make(validation)
        for seed, file in enumerate(files):
            if not file.exists():
                write_json(
                    file,
                    {"family": problem.family, "name": problem.name, "validation": validation, "seed": seed}
                    | measure(sets, seed),
                )
                print(f"  {file.stem}", flush=True)
    return [read_json(file) for file in files]


def measure(sets: Sets, seed: int) -> dict:
    test = sets.test
    assert test.groups is not None

    def outcome(head: LinearHead) -> np.ndarray:
        return head.predict(test.embeddings) == test.labels

    def worst(right: np.ndarray) -> float:
        return float(min(right[test.groups == group].mean() for group in np.unique(test.groups)))

    references = {"ERM": outcome(sets.head)}
    config = TuneConfig(seed=seed)
    attempts: dict[str, Callable[[], LinearHead]] = {
        "no masking": lambda: neurontune(sets.head, sets.validation, sets.train, replace(config, masking=False)).head,
        "NeuronTune": lambda: neurontune(sets.head, sets.validation, sets.train, config).head,
        "NeuronTune†": lambda: neurontune_halves(sets.head, sets.validation, config).head,
    }
    for name, attempt in attempts.items():
        try:
            references[name] = outcome(attempt())
        except InputError as error:  # no mistakes on validation
            print(f"  {name}: {error}")
    advice = advise(sets.head, sets.validation, sets.train, config)
    advised = outcome(advice.head)
    lead, error = worst_class_lead(references["no masking"], advised, test.groups)
    more = advice.counterexamples
    return {
        "sizes": [part.num_samples for part in (sets.validation, sets.train, test)],
        "references": {name: worst(right) for name, right in references.items()},
        "candidates": {key: worst(outcome(candidate.head)) for key, candidate in advice.candidates.items()},
        "judged": {key: candidate.evaluation.worst_class_accuracy for key, candidate in advice.candidates.items()},
        "counterexamples": None if more is None else float(more.standard_errors.max()),
        "chosen": advice.chosen,
        "case": advice.case,
        "advised": worst(advised),
        "behind_off": lead,
        "behind_off_error": error,
    }


def print_table(cases: Sequence[dict]) -> None:
    columns = (
        "data",
        "cases",
        *REFERENCES,
        "advised",
        "regret",
        "only losses",
        "own too",
        "behind no masking: mean, largest, beyond error",
        "advised head",
    )
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for family in [*dict.fromkeys(case["family"] for case in cases), ""]:
        print_row(family or "**all**", [case for case in cases if family in ("", case["family"])])


def print_row(name: str, cases: Sequence[dict]) -> None:
    advised = 100 * np.array([case["advised"] for case in cases])
    regret = 100 * np.array([max(case["references"].values()) for case in cases]) - advised
    behind = 100 * np.array([case["behind_off"] for case in cases])
    error = 100 * np.array([case["behind_off_error"] for case in cases])
    beyond = int((behind - 2 > 1.96 * error).sum())
    hindsight = 100 * np.array([max(*case["references"].values(), *case["candidates"].values()) for case in cases])
    references = []
    for reference in REFERENCES:
        values = [100 * case["references"][reference] for case in cases if reference in case["references"]]
        references.append(f"{np.mean(values):.1f}" if values else "–")
    chosen = ", ".join(f"{ADVISED[key]} {times}" for key, times in Counter(c["chosen"] for c in cases).most_common())
    cells = (
        name,
        str(len(cases)),
        *references,
        f"{advised.mean():.1f}",
        f"{regret.mean():+.1f} ± {regret.std(ddof=1):.1f}",
        f"{regret.clip(0).mean():.1f}",
        f"{(hindsight - advised).mean():.1f}",
        f"{behind.mean():+.1f}, {behind.max():+.1f}, {beyond}",
        chosen,
    )
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
