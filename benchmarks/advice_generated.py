"""Generated problems for the adviser, and features of a small network that has memorised its training set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from advice_draw import Pool, Sets, drawn, erm_head

from neurontune_core import EmbeddingSet, LinearHead


def planted(seed: int, validation: str, *, aligned: float) -> Sets:
    """Draw from the generator of tests/support/projects.py with an ERM head of its own."""
    from tests.support.projects import planted_set

    train = planted_set("train", aligned, 1000, seed=seed)
    val = planted_set("val", 0.5 if validation == "balanced" else aligned, 300, seed=seed)
    return Sets(erm_head(train, 1.0), val, train, planted_set("test", 0.5, 2000, seed=seed))


def shortcut(seed: int, validation: str, *, aligned: float) -> Sets:
    """Draw from the generator of tests/support/shortcut.py: a quiet core, a loud shortcut, strong weight decay."""
    from tests.support.shortcut import shortcut_set

    train = shortcut_set(3 * seed, 2000, aligned)
    val = shortcut_set(3 * seed + 1, 400, 0.5 if validation == "balanced" else aligned)
    return Sets(erm_head(train, 0.003), val, train, shortcut_set(3 * seed + 2, 4000, 0.5))


def wide(seed: int, validation: str) -> Sets:
    """Draw 256 neurons, each a random mixture of core, shortcut and noise after a ReLU, of strengths drawn too."""
    rng = np.random.default_rng([seed, 13])
    core, cue = rng.uniform(0.5, 2.0), rng.choice([0.0, 0.5, 1.0, 2.0, 4.0])
    aligned = rng.choice([0.5, 0.8, 0.9, 0.95, 0.98, 1.0])
    penalty, share = rng.choice([0.001, 0.01, 0.1]), rng.choice([1.0, 1.0, 0.4])
    size = int(rng.choice([100, 200, 400]))
    mixing = rng.normal(size=(24, 256)) * (rng.random((24, 256)) < 0.15)
    labels = np.repeat([0, 1], 8000)
    attributes = np.tile(np.repeat([0, 1], 4000), 2)
    hidden = rng.normal(size=(16000, 24))
    hidden[:, :3] += core * (2 * labels[:, None] - 1)
    hidden[:, 3:6] += cue * (2 * attributes[:, None] - 1)
    vectors = np.maximum(hidden @ mixing + 0.3 * rng.normal(size=(16000, 256)), 0).astype(np.float32)
    return drawn(
        Pool(vectors, labels, attributes, np.arange(16000)),
        seed,
        validation,
        aligned=float(aligned),
        train=1000,
        val=size,
        test=1000,
        penalty=float(penalty),
        shares=(1.0, float(share)),
    )


def two_cues(seed: int, validation: str) -> Sets:
    """Draw 256 neurons as in `wide`, with two shortcuts; the groups are the eight cells of class and both cues."""
    rng = np.random.default_rng([seed, 17])
    core, loud, quiet = rng.uniform(0.7, 1.8), rng.uniform(1.5, 4.0), rng.uniform(0.5, 2.0)
    aligned = rng.choice([0.85, 0.9, 0.95, 0.98], size=2)
    penalty, size = float(rng.choice([0.001, 0.01, 0.1])), int(rng.choice([200, 400, 800]))
    mixing = rng.normal(size=(24, 256)) * (rng.random((24, 256)) < 0.15)

    def drawn_set(split: str, samples: int, shares: np.ndarray) -> EmbeddingSet:
        labels = rng.permutation(np.arange(samples) % 2)
        cues = np.where(rng.random((samples, 2)) < shares, labels[:, None], 1 - labels[:, None])
        hidden = rng.normal(size=(samples, 24))
        hidden[:, :3] += core * (2 * labels[:, None] - 1)
        hidden[:, 3:6] += loud * (2 * cues[:, :1] - 1)
        hidden[:, 6:9] += quiet * (2 * cues[:, 1:] - 1)
        vectors = np.maximum(hidden @ mixing + 0.3 * rng.normal(size=(samples, 256)), 0).astype(np.float32)
        groups = 4 * labels + 2 * cues[:, 0] + cues[:, 1]
        names = tuple(f"class {g // 4}, cues {g // 2 % 2} and {g % 2}" for g in range(8))
        return EmbeddingSet(vectors, labels, ("class 0", "class 1"), groups, names, split=split)

    even = np.full(2, 0.5)
    train, test = drawn_set("train", 2000, aligned), drawn_set("test", 4000, even)
    val = drawn_set("val", size, even if validation == "balanced" else aligned)
    return Sets(erm_head(train, penalty), val, train, test)


def noisy_labels(seed: int, validation: str) -> Sets:
    """Draw `wide` with 5 to 15 % of the training and validation labels flipped; those of test are right."""
    sets, rng = wide(seed, validation), np.random.default_rng([seed, 19])
    share = rng.uniform(0.05, 0.15)

    def turned(each: EmbeddingSet) -> EmbeddingSet:
        wrong = rng.random(each.num_samples) < share
        return replace(each, labels=np.where(wrong, 1 - each.labels, each.labels), groups=None)

    train, val = turned(sets.train), turned(sets.validation)
    return Sets(erm_head(train, 0.01), val, train, sets.test)


def memorised(sets: Sets, seed: int) -> Sets:
    """Return the same samples seen by a network of two hidden layers of 128, trained until it errs on at most 0.5 %
    of training: the features are its second hidden layer, the head its last."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train = sets.train
    inputs, labels = torch.from_numpy(train.embeddings.astype(np.float32)), torch.from_numpy(train.labels)
    body = torch.nn.Sequential(
        torch.nn.Linear(inputs.shape[1], 128), torch.nn.ReLU(), torch.nn.Linear(128, 128), torch.nn.ReLU()
    )
    last = torch.nn.Linear(128, train.num_classes)
    optimizer = torch.optim.Adam([*body.parameters(), *last.parameters()], lr=1e-3)
    for _ in range(300):
        for rows in torch.randperm(len(labels)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(last(body(inputs[rows])), labels[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            if (last(body(inputs)).argmax(1) == labels).float().mean() >= 0.995:
                break

    def seen(each: EmbeddingSet) -> EmbeddingSet:
        with torch.no_grad():
            return replace(each, embeddings=body(torch.from_numpy(each.embeddings.astype(np.float32))).numpy())

    head = LinearHead(last.weight.detach().numpy(), last.bias.detach().numpy())
    return Sets(head, seen(sets.validation), seen(train), seen(sets.test))
