"""Does NeuronTune help on the built-in example? ERM, masking off and NeuronTune by every selection rule, five seeds.

The network and its ERM head are the shipped ones; a seed draws other batches, and other halves of val. Identification
is val and tuning is train, or one half of val tunes and the other identifies and selects. No group label is used;
groups are only counted on the test split. Printed are worst-group and average accuracy on test as mean ± standard
deviation over the seeds, in per cent, with the mean number of masked neurons and how often each group was the worst.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, evaluate, neurontune, neurontune_halves
from neurontune_core.files import read_json

EXAMPLE = Path(__file__).parents[1] / "assets" / "example"
RULES = {"sfit": "SFit", "worst_class_accuracy": "worst class", "last": "last epoch"}


def arms() -> dict[str, TuneConfig]:
    """Return, by name, masking off and NeuronTune, each by every selection rule."""
    return {
        f"{name}, {rule}": TuneConfig(masking=masking, select=select)  # type: ignore[arg-type]
        for name, masking in (("masking off", False), ("NeuronTune", True))
        for select, rule in RULES.items()
    }


class Table:
    """Rows of the table: per head, what it got right on test in each run."""

    def __init__(self, test: EmbeddingSet) -> None:
        self._test = test
        self._runs: dict[str, list[tuple[float, float, int]]] = {}
        self._worst: dict[str, Counter[str]] = {}

    def note(self, arm: str, head: LinearHead, masked: int = 0) -> None:
        result = evaluate(head, self._test)
        assert result.worst_group is not None
        self._runs.setdefault(arm, []).append((100 * (result.worst_group_accuracy or 0), 100 * result.accuracy, masked))
        self._worst.setdefault(arm, Counter())[result.worst_group.name] += 1

    def print(self) -> None:
        print("| head | worst group | average | masked neurons | which group is worst |\n|---|---|---|---|---|")
        for arm, runs in self._runs.items():
            values = np.array(runs)
            mean, spread = values.mean(axis=0), values.std(axis=0, ddof=min(1, len(values) - 1))
            worst = ", ".join(f"{name} ({times})" for name, times in self._worst[arm].most_common())
            print(
                f"| {arm} | {mean[0]:.1f} ± {spread[0]:.1f} | {mean[1]:.1f} ± {spread[1]:.1f} "
                f"| {mean[2]:.0f} | {worst} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--example", type=Path, default=EXAMPLE, help="a project folder whose sets have groups")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    project = read_json(arguments.example / "project.json")
    sets = {
        role: EmbeddingSet.load(arguments.example / project["embeddings"][project["roles"][role]])
        for role in ("identification", "tuning", "evaluation")
    }
    head = LinearHead.load(arguments.example / project["head"])
    groups = evaluate(head, sets["evaluation"]).groups
    print("ERM by group:", ", ".join(f"{group.name} {100 * (group.accuracy or 0):.1f}" for group in groups), "\n")
    table = Table(sets["evaluation"])
    table.note("ERM", head)
    for seed in range(arguments.seeds):
        for arm, config in arms().items():
            result = neurontune(head, sets["identification"], sets["tuning"], replace(config, seed=seed))
            table.note(arm, result.head, int(result.biased.sum()))
            result = neurontune_halves(head, sets["identification"], replace(config, seed=seed))
            table.note(f"halves of val: {arm}", result.head, int(result.biased.sum()))
    table.print()


if __name__ == "__main__":
    main()
