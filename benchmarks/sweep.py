"""Table 5 over five seeds (six mask values each) as one sweep, beside thirty separate runs, in the same process.

Also Table 6's rules (SFit, worst class, last epoch, five best averaged) over the same seeds, which need one run a
seed, and a surface of five λ and five mask values. Sizes: the built-in example (1,280 neurons, 800 tuning samples),
the same with halves of val as in the paper's Table 5 (200 and 200), and Waterbirds' size made up of rectified normals
(4,795 × 2,048 tuning, 1,199 identification). Seconds are of the processor, one thread, since wall time on a busy
machine says little; the heads of both ways are compared. Sums are taken in another order, so one sample at the border
between two classes may be predicted otherwise, and from there a run goes another way: such runs are counted ("parted"),
and of the others the largest difference of a weight relative to the head's largest is printed.

"Products at peak" is what no sharing can save: every distinct run multiplies each row of each of its batches by its own
weights and by its own residuals, here at the rate that BLAS reaches on a large square product.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits
from tuning import make, rough_head

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, neurontune
from neurontune_core.tuning.result import TuneResult
from neurontune_core.tuning.sweep import neurontune_sweep
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, EXAMPLES

MASK_VALUES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_ROUNDING = 1e-5  # two heads further apart than this went different ways
Sets = Callable[[int], tuple[LinearHead, EmbeddingSet, EmbeddingSet]]


def tables() -> dict[str, list[TuneConfig]]:
    base = TuneConfig()
    rules = [replace(base, select="sfit"), replace(base, select="worst_class_accuracy"), replace(base, select="last")]
    return {
        "Table 5": [replace(base, mask_value=value) for value in MASK_VALUES],
        "Table 6": [*rules, replace(rules[1], average_epochs=5)],
        "λ × mask value": [
            replace(base, threshold=threshold, mask_value=value)
            for threshold, value in product((0.0, 0.05, 0.1, 0.2, 0.4), (0.0, 0.25, 0.5, 0.75, 1.0))
        ],
    }


def peak_rate() -> float:
    """Return the operations a second of a large product in float32: the best of several."""
    square = np.ones((1024, 1024), np.float32)
    seconds = []
    for _ in range(20):
        began = time.process_time()
        square @ square
        seconds.append(time.process_time() - began)
    return 2 * 1024**3 / min(seconds)


def operations(head: LinearHead, results: list[TuneResult]) -> int:
    """Count those of the logits and of the gradients: two products a run with each row, for all classes but one."""
    distinct = {replace(result.config, select="sfit", average_epochs=1): len(result.history) for result in results}
    rows = sum(epochs * config.batches * config.batch_size for config, epochs in distinct.items())
    return 4 * rows * head.num_neurons * (head.num_classes - 1)


def measure(name: str, sets: Sets, configs: list[TuneConfig], seeds: int, peak: float) -> None:
    together = apart = products = furthest = 0.0
    parted = 0
    for seed in range(seeds):
        data, requested = sets(seed), [replace(config, seed=seed) for config in configs]
        began = time.process_time()
        swept = neurontune_sweep(*data, requested)
        together += time.process_time() - began
        began = time.process_time()
        single = [neurontune(*data, config) for config in requested]
        apart += time.process_time() - began
        for one, other in zip(swept, single, strict=True):
            if not isinstance(one, TuneResult):
                raise SystemExit(str(one))
            gap = np.abs(one.head.weight - other.head.weight).max() / np.abs(other.head.weight).max()
            if gap > _ROUNDING:
                parted += 1
            else:
                furthest = max(furthest, float(gap))
        products += operations(data[0], single) / peak
    runs = seeds * len(configs)
    numbers = f"{apart:.1f} | {together:.1f} | {apart / together:.1f} | {products:.1f} | {furthest:.0e} | {parted}"
    print(f"| {name} | {runs} | {numbers} |", flush=True)


def sizes() -> dict[str, Sets]:
    project = Project.at(EXAMPLES[DEFAULT_EXAMPLE])
    head, val, train = project.load_head(), project.load_set("identification"), project.load_set("tuning")
    rng = np.random.default_rng(0)
    birds = (rough_head(rng, 2048), make(rng, 1199, 2048, 0.22), make(rng, 4795, 2048, 0.23))

    def halves(seed: int) -> tuple[LinearHead, EmbeddingSet, EmbeddingSet]:
        tuning, identification = val.halves(seed)
        return head, identification, tuning

    return {
        "built-in example": lambda _: (head, val, train),
        "its halves of val": halves,
        "Waterbirds size": lambda _: birds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--table", choices=list(tables()), help="only this one")
    arguments = parser.parse_args()
    with threadpool_limits(1):
        for sets in sizes().values():  # compiles, or loads what was compiled before
            neurontune_sweep(*sets(0), [TuneConfig(epochs=1, batches=2)])
            neurontune(*sets(0), TuneConfig(epochs=1, batches=2))
        peak = peak_rate()
        print(
            "| what | runs | separately, s | as a sweep, s | ratio | products at peak, s | heads differ by | parted |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for size, sets in sizes().items():
            for table, configs in tables().items():
                if arguments.table in (None, table):
                    measure(f"{size}, {table}", sets, configs, arguments.seeds, peak)
        print(f"\nPeak: {peak / 1e9:.0f} GFLOP/s.")


if __name__ == "__main__":
    main()
