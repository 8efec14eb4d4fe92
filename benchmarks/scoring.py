"""One scoring pass, and one call that sorts nothing, beside np.median per class, on the same data and outcomes.

Sizes are Waterbirds' and CelebA's validation sets (1,199 and 19,867 samples, 2,048 neurons, 2 classes). The data are
non-negative with about as many zeros as a late ReLU after global pooling gives, and a tenth of the predictions is
wrong. Printed are the one-time sort, milliseconds of each kind (the median of several repeats, outcomes drawn afresh
for each), how many times as long np.median takes, and whether the scores agree bit for bit. The peer is plain numpy:
np.median over the misclassified and over the correct samples of each class, of magnitudes taken beforehand.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core import SpuriousnessScorer, spuriousness_scores

CLASSES = 2
ERROR_RATE = 0.1


def relu_like(rng: np.random.Generator, samples: int, neurons: int) -> np.ndarray:
    """Draw [N, M] float32: rectified normals whose neurons differ in how often they fire."""
    shift = rng.normal(0.3, 0.7, neurons).astype(np.float32)
    return np.maximum(rng.standard_normal((samples, neurons), dtype=np.float32) + shift, 0)


def with_numpy(magnitudes: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Compute Eq. 5, [C, M]."""
    delta = np.empty((CLASSES, magnitudes.shape[1]), np.float32)
    for label in range(CLASSES):
        own, right = labels == label, predictions == labels
        delta[label] = np.median(magnitudes[own & ~right], axis=0) - np.median(magnitudes[own & right], axis=0)
    return delta


def measure(samples: int, neurons: int, repeats: int, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    embeddings, labels = relu_like(rng, samples, neurons), rng.integers(0, CLASSES, samples)
    began = time.perf_counter()
    scorer = SpuriousnessScorer(embeddings, labels, CLASSES)
    sort = time.perf_counter() - began
    scorer(1 - labels)  # compiles, or loads what was compiled before
    spuriousness_scores(embeddings[:100], labels[:100], 1 - labels[:100], CLASSES)
    magnitudes = np.abs(embeddings)
    ours, once, numpys, equal = [], [], [], True
    for _ in range(repeats):
        predictions = np.where(rng.random(samples) < ERROR_RATE, 1 - labels, labels)
        began = time.perf_counter()
        delta = scorer(predictions).delta
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        unsorted = spuriousness_scores(embeddings, labels, predictions, CLASSES).delta
        once.append(time.perf_counter() - began)
        began = time.perf_counter()
        expected = with_numpy(magnitudes, labels, predictions)
        numpys.append(time.perf_counter() - began)
        equal &= bool(np.array_equal(delta, expected) and np.array_equal(unsorted, expected))
    mine, single, peer = (1000 * float(np.median(values)) for values in (ours, once, numpys))
    print(
        f"| {samples:,} × {neurons:,} | {1000 * sort:,.0f} | {mine:,.1f} | {single:,.1f} | {peer:,.1f} "
        f"| {peer / mine:.1f} | {peer / single:.1f} | {'yes' if equal else 'NO'} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--samples", type=int, nargs="+", default=[1199, 19867])
    parser.add_argument("--neurons", type=int, default=2048)
    arguments = parser.parse_args()
    print("| size | sort once, ms | pass, ms | one call, ms | np.median, ms | times a pass | times a call | equal |")
    print("|---|---|---|---|---|---|---|---|")
    with threadpool_limits(1):
        for samples in arguments.samples:
            measure(samples, arguments.neurons, arguments.repeats)


if __name__ == "__main__":
    main()
