"""Where one shared training step goes: six heads on a batch of 128, in microseconds of the processor on one thread.

Beside the compiled loop stand what numpy and BLAS take for fetching the rows, for the logits of all heads in one
product and for their gradients in another (no softmax, no optimizer), and one head alone. "At peak" are these products
at the rate of a large square one. Best of several rounds in turn: a busy machine spoils the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sweep import peak_rate
from threadpoolctl import threadpool_limits

from neurontune_core.kernels import shared_steps, steps

STEPS, BATCH, HEADS, ROUNDS = 200, 128, 6, 15


def parts(samples: int, neurons: int) -> dict[str, Callable[[], object]]:
    """Return what is timed, each over all steps."""
    rng = np.random.default_rng(0)
    vectors = np.maximum(rng.normal(size=(samples, neurons)), 0).astype(np.float32)
    labels, batches = rng.integers(0, 2, samples), rng.integers(0, samples, (STEPS, BATCH))
    masks = np.ones((HEADS, 2, neurons), np.float32)
    weights, biases = rng.normal(0, 0.05, (HEADS, 2, neurons)).astype(np.float32), np.zeros((HEADS, 2), np.float32)
    moments = np.zeros((HEADS, 2, 2, neurons + 1), np.float32)
    rates, decays, momenta, adam = (
        np.full(HEADS, 1e-3),
        np.full(HEADS, 1e-4),
        np.full(HEADS, 0.9),
        np.zeros(HEADS, bool),
    )
    held, several = np.empty((BATCH, neurons), np.float32), np.ones((HEADS, neurons), np.float32)
    push, columns = np.ones((BATCH, HEADS), np.float32), np.arange(neurons)
    return {
        "fetch": lambda: [np.take(vectors, rows, axis=0, out=held, mode="clip") for rows in batches],
        "logits": lambda: [held @ several.T for _ in batches],
        "gradients": lambda: [push.T @ held for _ in batches],
        "ours": lambda: shared_steps.balanced_steps(
            vectors, labels, batches, masks, weights, biases, moments, rates, decays, momenta, adam, 0
        ),
        "one head": lambda: steps.balanced_steps(
            vectors, labels, batches, columns, masks[0], weights[0], biases[0], moments[0], 1e-3, 1e-4, 0.9, False, 0
        ),
    }  # fmt: skip


def main() -> None:
    with threadpool_limits(1):
        peak = peak_rate()
        names = ("at peak", "BLAS: fetch", "logits", "gradients", "ours, all of it", "one head")
        print(f"| size | {' | '.join(names)} |\n{'|---' * (len(names) + 1)}|")
        for samples, neurons in ((180, 1280), (1000, 1280), (4795, 2048)):
            timed = parts(samples, neurons)
            best = dict.fromkeys(timed, np.inf)
            for _ in range(ROUNDS):
                for name, run in timed.items():
                    began = time.process_time()
                    run()
                    best[name] = min(best[name], time.process_time() - began)
            floor = 4 * BATCH * neurons * HEADS / peak * STEPS
            numbers = " | ".join(f"{1e6 * seconds / STEPS:.0f}" for seconds in (floor, *best.values()))
            print(f"| {samples:,} × {neurons:,} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
