"""Forty epochs of 200 class-balanced batches of 128 beside the usual PyTorch loop, in the same run.

Waterbirds size: 4,795 × 2,048 tuning (class shares as there), 1,199 × 2,048 identification, 2 classes; in float32, and
in float16, as projects hold them. Ours is the whole of ``neurontune`` (sort, 41 scoring passes, metrics, selection),
with masking on and off; the largest share of masked neurons is also capped at a half, because how many are masked
decides how much is left to compute. The peer is TensorDataset + DataLoader with a WeightedRandomSampler that balances
the classes + autograd + torch.optim.SGD on one thread, training alone, in float32; it runs for a few of the forty
epochs and its time is scaled up.

CelebA size (``--celeba``): 162,770 × 2,048 float16 tuning on a memory map in a temporary folder, 19,867 × 2,048 float16
identification; ours alone, with the peak of resident memory (mapped pages count in it).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, neurontune

CONFIG = TuneConfig()


def make(rng: np.random.Generator, samples: int, neurons: int, minority: float) -> EmbeddingSet:
    """Draw rectified normals that tell the class weakly, so that a head gets about a tenth wrong."""
    labels = (rng.random(samples) < minority).astype(np.int64)
    embeddings = np.maximum(rng.standard_normal((samples, neurons), dtype=np.float32), 0)
    embeddings[:, :32] += 0.5 * labels[:, None]
    return EmbeddingSet(embeddings, labels, ("a", "b"))


def stored(embedding_set: EmbeddingSet, dtype: type) -> EmbeddingSet:
    """Return the set with its vectors in this type."""
    return replace(embedding_set, embeddings=embedding_set.embeddings.astype(dtype))


def rough_head(rng: np.random.Generator, neurons: int) -> LinearHead:
    """Return a head that uses the 32 telling neurons and some noise."""
    weight = np.concatenate([np.full(32, 0.5), rng.normal(0, 0.03, neurons - 32)])
    return LinearHead(np.stack([-weight, weight]) / 2, [5.0, -5.0])


def torch_seconds(tuning: EmbeddingSet, head: LinearHead, epochs: int) -> float:
    """Return the seconds of the usual loop, scaled from ``epochs`` epochs to all of them."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

    torch.set_num_threads(1)
    labels = torch.from_numpy(tuning.labels)
    weights = 1.0 / torch.bincount(labels)[labels].double()
    sampler = WeightedRandomSampler(weights, CONFIG.batches * CONFIG.batch_size)
    loader = DataLoader(
        TensorDataset(torch.from_numpy(tuning.embeddings), labels), batch_size=CONFIG.batch_size, sampler=sampler
    )
    layer = torch.nn.Linear(head.num_neurons, head.num_classes)
    layer.load_state_dict({"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)})
    mask = torch.ones(head.num_neurons)
    optimizer = torch.optim.SGD(
        layer.parameters(), lr=CONFIG.learning_rate, momentum=CONFIG.momentum, weight_decay=CONFIG.weight_decay
    )
    began = time.perf_counter()
    for _ in range(epochs):
        for vectors, targets in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(layer(vectors * mask), targets).backward()
            optimizer.step()
    return (time.perf_counter() - began) / epochs * CONFIG.epochs


def our_seconds(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, config: TuneConfig, repeats: int
) -> tuple[float, float]:
    """Return the median seconds of the repeats, and the mean share of neurons masked."""
    results = [neurontune(head, identification, tuning, replace(config, seed=seed)) for seed in range(repeats)]
    for result in results:
        if len(result.history) != config.epochs:
            raise SystemExit("the made-up data were too easy: tuning ended before its last epoch")
    masked = np.mean([record.num_biased / head.num_neurons for record in results[-1].history])
    return float(np.median([result.seconds for result in results])), float(masked)


def print_rows(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, repeats: int, peer: float | None
) -> None:
    for name, config in (
        ("masking off", replace(CONFIG, masking=False)),
        ("NeuronTune", CONFIG),
        ("NeuronTune, at most half masked", replace(CONFIG, max_masked_fraction=0.5)),
    ):
        seconds, masked = our_seconds(head, identification, tuning, config, repeats)
        ratio = "" if peer is None else f"{peer / seconds:.1f}"
        print(f"| {name}, {tuning.embeddings.dtype} | {seconds:.2f} | {masked:.0%} | {ratio} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--torch-epochs", type=int, default=4, help="epochs of the peer that are really run")
    parser.add_argument("--celeba", action="store_true", help="the large size instead; needs about 3 GB")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    head = rough_head(rng, 2048)
    warm = make(rng, 300, 2048, 0.5)
    for dtype in (np.float32, np.float16):  # compiles, or loads what was compiled before
        neurontune(head, stored(warm, dtype), stored(warm, dtype), replace(CONFIG, epochs=1, batches=2))
    print("| run | seconds | masked | times faster than PyTorch |\n|---|---|---|---|")
    if not arguments.celeba:
        tuning, identification = make(rng, 4795, 2048, 0.23), make(rng, 1199, 2048, 0.22)
        peer = torch_seconds(tuning, head, arguments.torch_epochs)
        print(f"| PyTorch (scaled from {arguments.torch_epochs} epochs) | {peer:.1f} | 0% | 1 |", flush=True)
        for dtype in (np.float32, np.float16):
            print_rows(head, stored(identification, dtype), stored(tuning, dtype), arguments.repeats, peer)
        return
    identification = stored(make(rng, 19_867, 2048, 0.15), np.float16)
    with tempfile.TemporaryDirectory() as folder:
        path, labels = Path(folder) / "embeddings.npy", []
        file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(162_770, 2048))
        for start in range(0, len(file), 10_000):
            part = make(rng, min(10_000, len(file) - start), 2048, 0.15)
            file[start : start + 10_000] = part.embeddings
            labels.append(part.labels)
        file.flush()
        del file
        vectors = np.lib.format.open_memmap(path, mode="r")
        print_rows(head, identification, EmbeddingSet(vectors, np.concatenate(labels), ("a", "b")), 1, None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"\npeak resident memory, mapped pages included: {peak:.1f} GB")


if __name__ == "__main__":
    main()
