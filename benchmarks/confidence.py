"""How sure the scores are, and the mask over all thresholds, beside the plain numpy way on the same data in one run.

Scores: Waterbirds' and CelebA's validation sizes (1,199 and 19,867 samples, 2,048 neurons, 2 classes), rectified
normals with a tenth of the predictions wrong. Printed are the seconds for all p-values with their correction and for
all intervals from 200 resamples. The peer draws: the difference of np.median after dealing out the outcomes of each
class anew, and after resampling its mistakes and hits. A few draws are timed and scaled, to 200 resamples and to the
C · M / 0.05 = 81,920 permutations from which on a single neuron can pass Benjamini-Hochberg at 5 %; ours are exact.

Curve: Waterbirds' test size (5,794 × 2,048, 2 classes, 4 groups). The peer evaluates the masked head at each point (a
few are timed and scaled); every accuracy of those must be the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core import EmbeddingSet, LinearHead, evaluate, spuriousness_scores
from neurontune_core.evaluation.mask_curve import mask_curve
from neurontune_core.identification.confidence import LEVEL, RESAMPLES, Confidence

CLASSES = 2
ERROR_RATE = 0.1
DRAWS = 5


def relu_like(rng: np.random.Generator, samples: int, neurons: int) -> np.ndarray:
    """Draw [N, M] float32: rectified normals whose neurons differ in how often they fire."""
    shift = rng.normal(0.3, 0.7, neurons).astype(np.float32)
    return np.maximum(rng.standard_normal((samples, neurons), dtype=np.float32) + shift, 0)


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Return the median over the repeats."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def drawn(magnitudes: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Compute Eq. 5 with these rows as misclassified and correct of each class."""
    for wrong, right in parts:
        np.median(magnitudes[wrong], axis=0) - np.median(magnitudes[right], axis=0)


def scores(samples: int, neurons: int, repeats: int) -> None:
    rng = np.random.default_rng(0)
    embeddings, labels = relu_like(rng, samples, neurons), rng.integers(0, CLASSES, samples)
    predictions = np.where(rng.random(samples) < ERROR_RATE, 1 - labels, labels)
    known = spuriousness_scores(embeddings, labels, predictions, CLASSES)
    own = [np.flatnonzero(labels == label) for label in range(CLASSES)]
    mistakes = [int(n) for n in known.num_incorrect]

    def permute() -> None:
        drawn(embeddings, [(r[:k], r[k:]) for r, k in zip(map(rng.permutation, own), mistakes, strict=True)])

    def resample() -> None:
        outcomes = [(rows[predictions[rows] != labels[rows]], rows[predictions[rows] == labels[rows]]) for rows in own]
        drawn(embeddings, [(rng.choice(wrong, len(wrong)), rng.choice(right, len(right))) for wrong, right in outcomes])

    judged = Confidence(embeddings, labels, predictions, known)
    judged.intervals()
    judge = seconds(lambda: Confidence(embeddings, labels, predictions, known), repeats)
    draw = seconds(judged.intervals, repeats)
    print_row(samples, neurons, "p-values", judge, seconds(permute, DRAWS) * CLASSES * neurons / LEVEL)
    print_row(samples, neurons, f"{RESAMPLES} resamples", draw, seconds(resample, DRAWS) * RESAMPLES)


def curve(samples: int, neurons: int, repeats: int) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, CLASSES, samples)
    data = EmbeddingSet(
        relu_like(rng, samples, neurons), labels, ("a", "b"), 2 * labels + rng.integers(0, 2, samples), tuple("wxyz")
    )
    head = LinearHead(rng.normal(size=(CLASSES, neurons)), rng.normal(size=CLASSES))
    score = rng.normal(size=neurons).astype(np.float32)
    curve = mask_curve(head, data, score)
    places = np.linspace(0, len(curve.thresholds) - 1, DRAWS).astype(int)

    def at(place: int) -> tuple[float, float, float | None]:
        result = evaluate(head.masked(score <= curve.thresholds[place]), data)
        return result.accuracy, result.worst_class_accuracy, result.worst_group_accuracy

    assert curve.worst_group_accuracy is not None
    for place in places:
        if at(place) != (
            curve.accuracy[place],
            curve.worst_class_accuracy[place],
            curve.worst_group_accuracy[place],
        ):
            raise SystemExit(f"the curve differs from the masked head at λ = {curve.thresholds[place]}")
    mine = seconds(lambda: mask_curve(head, data, score), repeats)
    peer = seconds(lambda: [at(place) for place in places], repeats) / len(places) * len(curve.thresholds)
    print_row(samples, neurons, f"mask curve, {len(curve.thresholds)} points", mine, peer)


def print_row(samples: int, neurons: int, what: str, mine: float, peer: float) -> None:
    print(f"| {samples:,} × {neurons:,} | {what} | {mine:.3f} | {peer:,.1f} | {peer / mine:,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--samples", type=int, nargs="+", default=[1199, 19867])
    parser.add_argument("--neurons", type=int, default=2048)
    arguments = parser.parse_args()
    print("| size | what | seconds | numpy, scaled, seconds | ratio |\n|---|---|---|---|---|")
    with threadpool_limits(1):
        for samples in arguments.samples:
            scores(samples, arguments.neurons, arguments.repeats)
        curve(5794, arguments.neurons, arguments.repeats)


if __name__ == "__main__":
    main()
