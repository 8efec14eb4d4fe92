"""Table 5 over five seeds on the built-in example, as a person gets it: one ``neurontune ablate``, beside thirty times
``neurontune tune`` and ``neurontune evaluate``. Seconds of the clock and of the processor, one thread each."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from neurontune_core.experiments.ablations import MASK_VALUES
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, EXAMPLES

SEEDS = 5


def seconds(commands: Iterable[list[str]], home: str) -> tuple[float, float]:
    """Return the seconds of the clock, and of the processor, for all of them, one after the other."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for words in commands:
        subprocess.run(
            [sys.executable, "-m", "neurontune_core", *words],
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NEURONTUNE_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    project, home = Project.at(EXAMPLES[DEFAULT_EXAMPLE]), tempfile.mkdtemp()
    val, test = (str(project.set_folder(role)) for role in ("identification", "evaluation"))
    apart = []
    for seed in range(SEEDS):
        for value in MASK_VALUES:
            out = str(Path(home) / f"{seed}-{value}")
            head = ["--head", str(project.head_file)]
            settings = ["--mask-value", str(value), "--seed", str(seed)]
            apart.append(["tune", "--identification", val, "--halves", *head, *settings, "--out", out])
            apart.append(["evaluate", "--embeddings", test, "--head", f"{out}/head.safetensors"])
    together = [["ablate", "mask-value", "--project", str(project.source), "--seeds", str(SEEDS)]]
    seconds([["tune", "--help"]], home)
    print("| | clock, s | processor, s |\n|---|---|---|")
    timed = {
        "30 times tune and evaluate": seconds(apart, home),
        "one ablate": seconds(together, home),
    }
    for name, (clock, processor) in timed.items():
        print(f"| {name} | {clock:.1f} | {processor:.1f} |")
    clocks, processors = zip(*timed.values(), strict=True)
    print(f"| ratio | {clocks[0] / clocks[1]:.1f} | {processors[0] / processors[1]:.1f} |")


if __name__ == "__main__":
    main()
