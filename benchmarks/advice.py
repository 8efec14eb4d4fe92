"""What the adviser's choice costs, and how often its intervals hold.

For every problem (benchmarks/advice_problems.py), validation set (balanced over the groups, or as biased as the
training set) and seed, the reference is the best worst-group accuracy on test among ERM, no masking, NeuronTune and
NeuronTune† (halves of validation), each with the default settings, chosen with the test set's groups in hand. Regret
is that minus the worst-group accuracy of the advised head, which saw no group. It is negative where the advised head is
better than all four; "only losses" counts those as 0; "own too" adds the heads that the adviser tried to the four.
"Behind no masking" is the worst group without masking minus the advised head's: its mean, its largest value, and how
many cases are more than 2 points behind by more than 1.96 standard errors. All in percentage points.

Coverage: how often the 95 % interval of the worst class on unseen samples holds the worst class on test, whose groups
are weighted as in validation, for test has as many of each. Problems with wrong labels are left out of it: their test
labels are right. "Test's error too" widens the interval by the standard error of the test set itself.

What every candidate predicts is kept in --cache, one file a case, and the rule is applied to it anew on every call:
another rule takes seconds, other candidates need an empty cache.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from advice_cases import Case, cases
from advice_problems import VALIDATIONS, problems

from neurontune_core.evaluation.worst_class import worst_class_lead

REFERENCES = ("ERM", "no masking", "NeuronTune", "NeuronTune†")
ADVISED = {
    "erm": "keep",
    "mask_alone": "mask alone",
    "masking_off": "no masking on train",
    "neurontune": "NeuronTune on train",
    "robust": "Robust on train",
    "weighted_up": "upweighted",
    "masking_off_held_out": "no masking on val",
    "neurontune_held_out": "NeuronTune†",
    "robust_held_out": "Robust on val",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("development", "held out"), default="development")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/advice-cache"))
    parser.add_argument("--only", default="", help="problems whose name begins with one of these, separated by commas")
    parser.add_argument("--every", type=int, default=1, help="each so manieth problem alone")
    parser.add_argument("--backwards", action="store_true", help="the last problem first, for a second process")
    parser.add_argument("--cached", action="store_true", help="only the cases in the cache")
    parser.add_argument("--cases", action="store_true", help="list every case")
    arguments = parser.parse_args()
    some = [
        problem
        for problem in problems(arguments.cache)
        if problem.part == arguments.part and problem.name.startswith(tuple(arguments.only.split(",")))
    ][:: arguments.every]
    order = some[::-1] if arguments.backwards else some
    measured = list(cases(order, arguments.seeds, arguments.cache / "cases", only_cached=arguments.cached))
    rows = [row(case) for case in measured]
    for validation in VALIDATIONS:
        print(f"\n{arguments.part} part, {validation} validation\n")
        print_table([each for each in rows if each["validation"] == validation])
        print_coverage([each for each in rows if each["validation"] == validation])
    if arguments.cases:
        for each in rows:
            print(json.dumps(each))


def row(case: Case) -> dict:
    """Apply the rule to a case, and return what the tables show of it."""
    advice = case.advice()
    chosen = case.outcome(f"candidate/{advice.chosen}")
    lead, error = worst_class_lead(case.outcome("reference/no masking"), chosen, case.kept["test_groups"])
    promised = {key: candidate.worst_class_on_unseen for key, candidate in advice.candidates.items()}
    return {
        "family": case.family,
        "name": case.problem,
        "validation": case.validation,
        "references": {name: case.worst_group(f"reference/{name}") for name in REFERENCES if case.has(name)},
        "candidates": {key: case.worst_group(f"candidate/{key}") for key in advice.candidates},
        "chosen": advice.chosen,
        "case": advice.case,
        "advised": case.worst_group(f"candidate/{advice.chosen}"),
        "behind_off": lead,
        "behind_off_error": error,
        "promised": {key: [part.accuracy, part.low, part.high] for key, part in promised.items()},
        "reached": {key: case.worst_class(f"candidate/{key}") for key in advice.candidates},
    }


def print_coverage(rows: Sequence[dict]) -> None:
    for name, keys in (("the advised head", None), ("every candidate", True)):
        held, wider, errors, widths = [], [], [], []
        for each in rows:
            if each["family"] == "wrong labels":
                continue
            for key in each["promised"] if keys else [each["chosen"]]:
                accuracy, low, high = each["promised"][key]
                reached, error = each["reached"][key]
                held.append(low <= reached <= high)
                spread = (((high - low) / 3.92) ** 2 + error**2) ** 0.5 * 1.96 - (high - low) / 2
                wider.append(low - spread <= reached <= high + spread)
                errors.append(accuracy - reached)
                widths.append(high - low)
        if held:
            print(
                f"\nCoverage of {name}: {np.mean(held):.1%} of {len(held)}, test's error too {np.mean(wider):.1%}; "
                f"promised minus reached {100 * np.mean(errors):+.1f} points, width {100 * np.mean(widths):.1f}"
            )


def print_table(rows: Sequence[dict]) -> None:
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
    for family in [*dict.fromkeys(each["family"] for each in rows), ""]:
        print_row(family or "**all**", [each for each in rows if family in ("", each["family"])])


def print_row(name: str, rows: Sequence[dict]) -> None:
    if not rows:
        return
    advised = 100 * np.array([each["advised"] for each in rows])
    regret = 100 * np.array([max(each["references"].values()) for each in rows]) - advised
    behind = 100 * np.array([each["behind_off"] for each in rows])
    error = 100 * np.array([each["behind_off_error"] for each in rows])
    beyond = int((behind - 2 > 1.96 * error).sum())
    hindsight = 100 * np.array([max(*each["references"].values(), *each["candidates"].values()) for each in rows])
    references = []
    for reference in REFERENCES:
        values = [100 * each["references"][reference] for each in rows if reference in each["references"]]
        references.append(f"{np.mean(values):.1f}" if values else "–")
    chosen = ", ".join(f"{ADVISED[key]} {times}" for key, times in Counter(c["chosen"] for c in rows).most_common())
    cells = (
        name,
        str(len(rows)),
        *references,
        f"{advised.mean():.1f}",
        f"{regret.mean():+.1f} ± {regret.std(ddof=1) if len(rows) > 1 else 0:.1f}",
        f"{regret.clip(0).mean():.1f}",
        f"{(hindsight - advised).mean():.1f}",
        f"{behind.mean():+.1f}, {behind.max():+.1f}, {beyond}",
        chosen,
    )
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
