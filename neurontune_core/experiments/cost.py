"""Table 7, measured: seconds of NeuronTune as samples, neurons and epochs grow, and the exponents that fit them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune

# What grows -> (N_Ide, N_Tune, M, E) at each point; everything else stays as in the middle.
GROWS = {
    "identification samples": [(n, 2000, 1024, 8) for n in (1000, 2000, 4000, 8000)],
    "tuning samples": [(500, n, 1024, 8) for n in (2000, 4000, 8000, 16000)],
    "neurons": [(2000, 2000, m, 8) for m in (512, 1024, 2048, 4096)],
    "epochs": [(2000, 2000, 1024, e) for e in (8, 16, 32, 64)],
}
REPEATS = 3


@dataclass(frozen=True)
class CostCurve:
    """Seconds of a run over one size.

    Attributes:
        grows: which size.
        sizes: its values.
        seconds: processor seconds of a whole run (sort, scores, steps), the least of a few repeats, one a size.
        exponent: the slope of log seconds over log size, least squares.
        method: whose runs were measured.
    """

    grows: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: float
    method: str = "NeuronTune"


def measure_cost(
    grows: Sequence[str] = tuple(GROWS), *, repeats: int = REPEATS, on_run: Callable[[int, int], object] | None = None
) -> list[CostCurve]:
    """Measure NeuronTune on made-up rectified normals of growing size; an epoch passes once over the tuning samples.

    Processor time is taken, since other work on the machine would be in the wall time.

    Args:
        grows: keys of `GROWS`.
        repeats: runs of each size, of which the fastest counts.
        on_run: called with how many runs are done, and of how many.
    """
    _runs((200, 200, 32, 1), 1, None)  # compiles, or loads what was compiled before
    curves, total, done = list[CostCurve](), sum(len(GROWS[name]) for name in grows) * repeats, 0
    for name in grows:
        points = GROWS[name]

        def tick() -> None:
            nonlocal done
            done += 1
            if on_run is not None:
                on_run(done, total)

        seconds = [min(_runs(point, repeats, tick)) for point in points]
        sizes = next(own for own in zip(*points, strict=True) if len(set(own)) > 1)
        curves.append(CostCurve(name, sizes, tuple(seconds), exponent(sizes, seconds)))
    return curves


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return k of seconds ∝ size^k, by least squares on the logarithms.

    >>> round(exponent([1, 2, 4], [3.0, 12.0, 48.0]), 3)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def cost_table(curves: Sequence[CostCurve]) -> list[dict[str, str]]:
    """Return one row of text a size."""
    return [
        {
            "method": curve.method,
            "what grows": curve.grows,
            "from … to": f"{curve.sizes[0]:,} … {curve.sizes[-1]:,}",
            "seconds": ", ".join(f"{value:.2f}" for value in curve.seconds),
            "fitted exponent": f"{curve.exponent:.2f}",
        }
        for curve in curves
    ]


def _runs(point: tuple[int, int, int, int], repeats: int, tick: Callable[[], object] | None) -> list[float]:
    """Measure the processor seconds of the same run several times."""
    held_out, samples, neurons, epochs = point
    rng = np.random.default_rng(0)
    identification, tuning = (_drawn(rng, count, neurons) for count in (held_out, samples))
    weight = np.where(np.arange(neurons) < 16, 0.5, 0) + rng.normal(0, 0.05, neurons)
    head = LinearHead.from_binary(weight, -5.0)
    config = TuneConfig(epochs=epochs, batches=max(1, samples // 128))
    times = []
    for _ in range(repeats):
        began = time.process_time()
        neurontune(head, identification, tuning, config)
        times.append(time.process_time() - began)
        if tick is not None:
            tick()
    return times


def made_up(samples: int, neurons: int) -> EmbeddingSet:
    """Make rectified normals that separate two classes of two equally large groups weakly."""
    data = _drawn(np.random.default_rng(0), samples, neurons)
    return replace(data, groups=np.arange(samples) % 4, group_names=("a, 0", "b, 0", "a, 1", "b, 1"))


def _drawn(rng: np.random.Generator, samples: int, neurons: int) -> EmbeddingSet:
    """Make rectified normals that separate the classes weakly, so that a head makes mistakes."""
    labels = np.arange(samples) % 2
    embeddings = np.maximum(rng.standard_normal((samples, neurons), dtype=np.float32), 0)
    embeddings[:, :16] += 0.5 * labels[:, None]
    return EmbeddingSet(embeddings, labels, ("a", "b"))
