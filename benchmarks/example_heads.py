"""The heads of the screens on the built-in examples, over seeds of the head; prints the table of docs/methods.md.

PYTHONPATH=. OMP_NUM_THREADS=1 python benchmarks/example_heads.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurontune_core import LinearHead, TuneConfig, neurontune
from neurontune_core.cli.projects import EXAMPLES
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.identification.agreement import STABLE
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.tuning.presets import preset
from neurontune_core.workspace.project import Project

SEEDS = 5
RUNS = {
    "no masking": TuneConfig(masking=False),
    "retrained, SFit": TuneConfig(),
    "retrained, Robust": preset("robust"),
}


def mean_and_spread(values: Sequence[float]) -> str:
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{100 * np.mean(values):.1f}" + (f" ± {100 * spread:.1f}" if spread >= 0.0005 else "")


def show(diagnosis: Diagnosis, name: str, heads: Sequence[LinearHead], masked: Sequence[int], halves: str = "") -> None:
    """Print the row of a head with as many seeds as there are heads."""
    measured = [evaluate(head, diagnosis.samples("evaluation")) for head in heads]
    counts = f"{min(masked)} to {max(masked)}" if min(masked) < max(masked) else str(masked[0])
    columns = [[float(getattr(each, column) or 0) for each in measured] for column in
               ("worst_group_accuracy", "worst_class_accuracy", "accuracy")]  # fmt: skip
    cells = [f"`{diagnosis.project.source.name}`", name, counts, *map(mean_and_spread, columns), halves]
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    print("| example | head | neurons masked | worst group | worst class | average | halves agree, % |")
    print("|---|---|---|---|---|---|---|")
    for folder in EXAMPLES.values():
        diagnosis = Diagnosis(Project.at(folder))
        show(diagnosis, "trained", [diagnosis.erm], [0])
        halves = diagnosis.half_scores(wait=600)
        for name, stability in (("mask alone, λ = 0", 0.0), ("mask alone, stable neurons", STABLE)):
            masked = diagnosis.masked_neurons(0.0, stability)
            agreement = None if halves is None else halves.agreement(0.0, stable=stability > 0)
            compared = agreement is not None and agreement.by_chance > 0  # else a half selects no neuron
            agree = f"{100 * agreement.shared:.0f} ({100 * agreement.by_chance:.0f})" if compared else "–"
            show(diagnosis, name, [diagnosis.masked_head(masked, 0.0)], [int(masked.sum())], agree)
        sets = diagnosis.identification, diagnosis.tuning
        for name, config in RUNS.items():
            runs = [neurontune(diagnosis.erm, *sets, replace(config, seed=seed)) for seed in range(SEEDS)]
            show(diagnosis, name, [run.head for run in runs], [int(run.biased.sum()) for run in runs])


if __name__ == "__main__":
    main()
