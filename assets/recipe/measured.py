"""What trained heads get right, counted by split and group, and the seed that is shipped for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Counts = dict[str, dict[str, dict[str, int]]]  # by split and group: n, correct


def count(splits: Sequence[str], groups: Sequence[str], correct: np.ndarray) -> Counts:
    """Count samples and correct ones by split and group."""
    counts: Counts = {}
    for split, group, right in zip(splits, groups, correct.tolist(), strict=True):
        tally = counts.setdefault(split, {}).setdefault(group, {"correct": 0, "n": 0})
        tally["correct"] += int(right)
        tally["n"] += 1
    return counts


def share(tally: Mapping[str, int]) -> float:
    """Return the accuracy of one group in percent."""
    return 100 * tally["correct"] / tally["n"]


def worst(counts: Counts) -> float:
    """Return the accuracy of the worst test group in percent."""
    return min(map(share, counts["test"].values()))


def average(groups: Mapping[str, Mapping[str, int]]) -> float:
    """Return the accuracy over all samples in percent."""
    return 100 * sum(tally["correct"] for tally in groups.values()) / sum(tally["n"] for tally in groups.values())


def median_seed(counts: Mapping[int, Counts]) -> int:
    """Return the seed whose worst test group is the median; of equal ones the first."""
    order = sorted(counts, key=lambda seed: (worst(counts[seed]), seed))
    middle = worst(counts[order[len(order) // 2]])
    return min(seed for seed in counts if worst(counts[seed]) == middle)


def provenance_table(counts: Mapping[int, Counts]) -> str:
    """Return a Markdown table: a row for each seed and split with the average and every group, in percent."""
    names = list(next(iter(counts.values()))["test"])
    lines = [f"| seed | split | average | {' | '.join(names)} |", "|---|---|---|" + "---|" * len(names)]
    for seed, by_split in counts.items():
        for split in ("train", "val", "test"):
            groups = by_split[split]
            shares = [average(groups), *(share(groups[name]) for name in names)]
            lines.append(f"| {seed} | {split} | {' | '.join(f'{value:.1f}' for value in shares)} |")
    return "\n".join(lines)
