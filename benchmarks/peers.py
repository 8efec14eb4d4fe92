"""The methods beside slow, independent versions of themselves in double precision, on the same vectors.

    PYTHONPATH=. python benchmarks/peers.py assets/reviews --seeds 3

The slow versions are in tests/support/peers.py, written from the formulas and with a randomness of their own, so only
means over seeds can agree. Printed are the worst group and the average on the evaluation set in percent, mean ±
standard deviation over the seeds, and how many times as long the slow version takes. A method whose two means differ by
much more than their spread is wrong in one of the two places.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from neurontune_core import evaluate
from neurontune_core.baselines.registry import METHODS
from neurontune_core.statistics import Spread
from neurontune_core.workspace.project import Project
from tests.support.peers import PEERS, run_peer


def measure(project: Project, key: str, seeds: int) -> list[str]:
    """Return the row of a method: ours, the slow one, and how many times as long it takes."""
    head, sets = project.load_head(), [project.load_set(role) for role in ("identification", "tuning")]
    evaluation, entry = project.load_set("evaluation"), METHODS[key]
    has_seed = any(field.name == "seed" for field in fields(entry.settings))
    cells, seconds = [], []
    for slow in (False, True):
        results, began = [], time.perf_counter()
        for seed in range(seeds if has_seed else 1):
            settings: Any = replace(entry.settings(), seed=seed) if has_seed else entry.settings()
            if key in ("neurontune", "masking_off"):
                settings = replace(settings, masking=key == "neurontune")
            with threadpool_limits(1):
                made = run_peer(key, head, *sets, settings, seed) if slow else entry.run(head, *sets, settings).head
            results.append(evaluate(made, evaluation))
        seconds.append((time.perf_counter() - began) / len(results))
        worst = Spread.of([result.worst_group_accuracy or result.worst_class_accuracy for result in results])
        cells += [worst.percent(), Spread.of([result.accuracy for result in results]).percent()]
    return [entry.name, *cells, f"{seconds[1] / seconds[0]:.0f}"]


def main() -> None:
    """Print one table a project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", type=Path, nargs="+", help="project folders with groups")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--method", action="append", choices=list(PEERS), help="repeat it; all when left out")
    arguments = parser.parse_args()
    for folder in arguments.projects:
        print(f"\n{folder}\n\n| method | ours, worst | ours, average | slow, worst | slow, average | times as long |")
        print("|---|---|---|---|---|---|")
        for key in arguments.method or PEERS:
            print(f"| {' | '.join(measure(Project.at(folder), key, arguments.seeds))} |", flush=True)


if __name__ == "__main__":
    main()
