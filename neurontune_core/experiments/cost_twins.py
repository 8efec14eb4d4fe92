"""Table 7's other rows, measured: seconds of AFR and DFR as what their formulas name grows. JTT trains the network."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from neurontune_core.baselines.registry import METHODS
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.experiments.cost import REPEATS, CostCurve, exponent, made_up
from neurontune_core.head import LinearHead

# Method -> what grows -> (samples that retrain, neurons, epochs) at each point. An epoch is a step of AFR over all
# samples, and a refit of DFR.
TWINS: dict[str, dict[str, list[tuple[int, int, int]]]] = {
    "AFR": {
        "retraining samples": [(n, 512, 50) for n in (1000, 2000, 4000, 8000)],
        "epochs": [(2000, 512, e) for e in (25, 50, 100, 200)],
    },
    "DFR": {
        "retraining samples": [(n, 128, 5) for n in (500, 1000, 2000, 4000)],
        "epochs": [(1000, 128, e) for e in (5, 10, 20, 40)],
    },
}


def twin_runs() -> int:
    """Return how many runs `measure_twins` makes."""
    return REPEATS * sum(len(points) for sizes in TWINS.values() for points in sizes.values())


def measure_twins(on_run: Callable[[], object] = lambda: None) -> list[CostCurve]:
    """Measure both methods on made-up data as `measure_cost` does NeuronTune.

    Args:
        on_run: called after each run.
    """
    return [_curve(method, grows, points, on_run) for method, sizes in TWINS.items() for grows, points in sizes.items()]


def _curve(method: str, grows: str, points: list[tuple[int, int, int]], on_run: Callable[[], object]) -> CostCurve:
    seconds = []
    for point in points:
        runs = []
        for _ in range(REPEATS):
            runs.append(_seconds(method, *point))
            on_run()
        seconds.append(min(runs))
    sizes = next(own for own in zip(*points, strict=True) if len(set(own)) > 1)
    return CostCurve(grows, sizes, tuple(seconds), exponent(sizes, seconds), method)


def _seconds(method: str, samples: int, neurons: int, epochs: int) -> float:
    """Return the processor seconds of one run on as many samples, of which half are in each group of their class."""
    data, head = made_up(samples, neurons), LinearHead(np.zeros((2, neurons)), np.zeros(2))
    entry: Any = METHODS[method.lower()]
    settings = (
        entry.settings(gammas=(4.0,), steps=epochs)
        if method == "AFR"
        else entry.settings(strengths=(0.1,), refits=epochs)
    )
    small: EmbeddingSet = (
        data.take(np.arange(min(200, samples))) if method == "AFR" else data
    )  # what AFR only judges by
    began = time.process_time()
    entry.run(head, small, data, settings)
    return time.process_time() - began
