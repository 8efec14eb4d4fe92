"""The problems that the adviser is judged on: real features with known groups, and generated ones.

Each is drawn twice: with a validation set balanced over the groups, and with one as biased as the training set. They
come in two parts. The adviser's rule was designed on the development part; the held-out part has other seeds, other
class pairs, other strengths of the shortcut, other penalties of the ERM head and three kinds of data of its own
(the built-in example, pairs of sentences in three classes, and the generator of tests/shortcut.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from neurontune_core import EmbeddingSet, LinearHead

Part = Literal["development", "held out"]
VALIDATIONS = ("balanced", "biased")
EXAMPLE = Path(__file__).parents[1] / "assets" / "example"


def shared_data() -> Path:
    return Path(os.environ.get("NEURONTUNE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


class Sets(NamedTuple):
    head: LinearHead
    validation: EmbeddingSet
    train: EmbeddingSet
    test: EmbeddingSet


@dataclass(frozen=True)
class Problem:
    """One draw of one kind of data.

    Attributes:
        family: what the table has a row for.
        name: unique; names the cache.
        part: on which the rule was designed, or held out.
        make: "balanced" or "biased" -> the sets.
    """

    family: str
    name: str
    part: Part
    make: Callable[[str], Sets]


@dataclass(frozen=True)
class Pool:
    """Samples to draw splits from. Attribute k goes with class k in the biased splits.

    Attributes:
        vectors: [N, M].
        labels, attributes: [N] in 0..C-1.
        units: [N] what must not be split between train and test, such as a species or an object; may be the row.
    """

    vectors: np.ndarray
    labels: np.ndarray
    attributes: np.ndarray
    units: np.ndarray


def drawn(
    pool: Pool,
    seed: int,
    validation: str,
    *,
    aligned: float,
    train: int,
    val: int,
    test: int,
    penalty: float,
    shares: tuple[float, ...] = (),
) -> Sets:
    """Splits without a common unit.

    Args:
        aligned: the share of each class, in training, whose attribute is that of the class.
        train, val: samples a class (biased validation takes twice as many); fewer where there are not as many.
        test: samples a group at most.
        penalty: C of the logistic regression that is the ERM head.
        shares: factors on the sizes of the classes in the biased splits.
    """
    rng = np.random.default_rng([seed, 7])
    classes = int(pool.labels.max()) + 1
    names = rng.permutation(np.unique(pool.units))
    cuts = (np.array([0.5, 0.7]) * len(names)).astype(int)
    parts = [np.flatnonzero(np.isin(pool.units, some)) for some in np.split(names, cuts)]
    factors = np.array(shares or (1.0,) * classes)
    biased = np.full((classes, classes), (1 - aligned) / (classes - 1))
    np.fill_diagonal(biased, aligned)
    even = np.full((classes, classes), 1 / classes)
    wanted = [
        train * biased * factors[:, None],
        val * even if validation == "balanced" else 2 * val * biased * factors[:, None],
    ]
    sets = [_take(pool, parts[k], wanted[k], rng, split) for k, split in enumerate(("train", "val"))]
    cells = [
        np.sum((pool.labels[parts[2]] == y) & (pool.attributes[parts[2]] == a))
        for y in range(classes)
        for a in range(classes)
    ]
    sets.append(_take(pool, parts[2], np.full((classes, classes), float(min(test, *cells))), rng, "test"))
    return Sets(erm_head(sets[0], penalty), sets[1], sets[0], sets[2])


def _take(pool: Pool, rows: np.ndarray, wanted: np.ndarray, rng: np.random.Generator, split: str) -> EmbeddingSet:
    """So many of each cell, all scaled down together where one has too few."""
    classes = len(wanted)
    members = {
        (y, a): rng.permutation(rows[(pool.labels[rows] == y) & (pool.attributes[rows] == a)])
        for y in range(classes)
        for a in range(classes)
    }
    scale = min(1.0, *(len(members[cell]) / wanted[cell] for cell in members if wanted[cell] > 0))
    chosen = np.concatenate([each[: round(scale * wanted[cell])] for cell, each in members.items()])
    names = tuple(f"class {y}" for y in range(classes))
    groups = tuple(f"class {y}, attribute {a}" for y in range(classes) for a in range(classes))
    labels = pool.labels[chosen]
    return EmbeddingSet(
        pool.vectors[chosen], labels, names, classes * labels + pool.attributes[chosen], groups, split=split
    )


def erm_head(train: EmbeddingSet, penalty: float) -> LinearHead:
    """A logistic regression as a head with one row a class."""
    with threadpool_limits(1):
        model = LogisticRegression(C=penalty, max_iter=2000).fit(train.embeddings.astype(np.float32), train.labels)
    if train.num_classes == 2:
        return LinearHead(np.concatenate([-model.coef_, model.coef_]) / 2, np.array([-1, 1]) * model.intercept_[0] / 2)
    return LinearHead(model.coef_, model.intercept_)


@lru_cache
def birds() -> Pool:
    """Waterbirds-style composites, EfficientNet-Lite0; a unit is a species."""
    folder = shared_data() / "waterbirds_style"
    table = pd.read_csv(folder / "metadata.csv")
    with np.load(folder / "efficientnet_lite0_features_f16.npz", allow_pickle=False) as file:
        return Pool(file["X"], table["y"].to_numpy(), table["place"].to_numpy(), table["species"].to_numpy(str))


@lru_cache
def clickbait() -> Pool:
    """Headlines, MiniLM; clickbait or news, and whether it starts with a digit."""
    with np.load(shared_data() / "clickbait" / "minilm_l6_features_f16.npz", allow_pickle=False) as file:
        return Pool(file["X"], file["y"], file["a"], np.arange(len(file["y"])))


@lru_cache
def cue_conflict(kinds: tuple[str, ...]) -> Pool:
    """Pictures with the shape of one kind and the texture of another, EfficientNet-Lite0; the class is the shape."""
    folder = shared_data() / "cueconflict"
    table = pd.read_csv(folder / "metadata.csv")
    with np.load(folder / "efficientnet_lite0_features_f16.npz", allow_pickle=False) as file:
        vectors = file["X"]
    table = table[table["shape_super"].isin(kinds) & table["texture_super"].isin(kinds)]
    place = {kind: number for number, kind in enumerate(kinds)}
    units = (table["shape"] + table["content_image"].astype(str)).to_numpy(str)
    labels, attributes = (table[name].map(place).to_numpy() for name in ("shape_super", "texture_super"))
    return Pool(vectors[table.index.to_numpy()], labels, attributes, units)


@lru_cache
def sentence_pairs(cache: Path, classes: int) -> Pool:
    """Premise u and hypothesis v through MiniLM as (u, v, |u - v|, uv); the cue is a negation in the hypothesis.

    Two classes: no contradiction, contradiction. Three: entailment, neutral, contradiction, where the attribute is
    negation for contradiction and, for the two others, a coin that means nothing.
    """
    from advice_sentences import sentence_features

    u, v, labels, negated, premises = sentence_features(shared_data() / "nli", cache)
    vectors = np.concatenate([u, v, abs(u - v), u * v], axis=1)
    return (
        Pool(vectors, (labels == 2).astype(np.int64), negated, premises)
        if classes == 2
        else Pool(
            vectors, labels, np.where(negated == 1, 2, np.random.default_rng(0).integers(0, 2, len(labels))), premises
        )
    )


def example(seed: int, validation: str) -> Sets:
    """The built-in example; seeds other than 0 draw validation and test anew, apart by object."""
    table = pd.read_csv(EXAMPLE / "metadata.csv")
    sets = {split: EmbeddingSet.load(EXAMPLE / "embeddings" / split) for split in ("train", "val", "test")}
    train, val, test = sets.values()
    rng = np.random.default_rng([seed, 11])
    if seed:
        objects = table.set_index("filename")["object"]
        both = replace(
            val,
            embeddings=np.concatenate([val.embeddings, test.embeddings]),
            labels=np.concatenate([val.labels, test.labels]),
            groups=np.concatenate([val.groups, test.groups]),
            sample_ids=np.concatenate([val.sample_ids, test.sample_ids]),
            sources=np.concatenate([val.sources, test.sources]),
        )
        units = objects[list(both.sources)].to_numpy(str)
        chosen = np.zeros(len(units), dtype=bool)
        for label in (0, 1):
            names = rng.permutation(np.unique(units[both.labels == label]))
            chosen |= np.isin(units, names[: len(names) // 2])
        val, test = both.take(np.flatnonzero(chosen)), both.take(np.flatnonzero(~chosen))
    if validation == "biased":
        rows = [rng.permutation(np.flatnonzero(val.groups == group)) for group in range(4)]
        major = min(len(rows[0]), len(rows[3]))
        minor = max(1, round(major * 15 / 485))
        val = val.take(
            np.sort(np.concatenate([each[: major if g in (0, 3) else minor] for g, each in enumerate(rows)]))
        )
    return Sets(LinearHead.load(EXAMPLE / "head.safetensors"), val, train, test)


def planted(seed: int, validation: str, aligned: float) -> Sets:
    """The generator of tests/planted.py with an ERM head of its own."""
    from tests.planted import planted_set

    train = planted_set("train", aligned, 1000, seed=seed)
    val = planted_set("val", 0.5 if validation == "balanced" else aligned, 300, seed=seed)
    return Sets(erm_head(train, 1.0), val, train, planted_set("test", 0.5, 2000, seed=seed))


def shortcut(seed: int, validation: str, aligned: float) -> Sets:
    """The generator of tests/shortcut.py: a quiet core, a loud shortcut, strong weight decay."""
    from tests.shortcut import shortcut_set

    train = shortcut_set(3 * seed, 2000, aligned)
    val = shortcut_set(3 * seed + 1, 400, 0.5 if validation == "balanced" else aligned)
    return Sets(erm_head(train, 0.003), val, train, shortcut_set(3 * seed + 2, 4000, 0.5))


def wide(seed: int, validation: str) -> Sets:
    """256 neurons, each a random mixture of core, shortcut and noise after a ReLU; all strengths drawn by the seed."""
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


def problems(cache: Path) -> Iterator[Problem]:
    """All of them; those whose data is not there are left out."""
    data = shared_data()
    if (data / "waterbirds_style").is_dir():
        for part, seeds, penalty in (("development", (0, 1, 2), 0.01), ("held out", (10, 11, 12), 1.0)):
            for seed in seeds:
                yield _of(
                    "birds on land or water",
                    f"birds-{penalty:g}-{seed}",
                    part,
                    lambda v, s=seed, c=penalty: drawn(
                        birds(), s, v, aligned=0.95, train=500, val=90, test=200, penalty=c
                    ),
                )
        for seed in (20, 21):
            yield _of(
                "land or water behind birds",
                f"places-{seed}",
                "held out",
                lambda v, s=seed: drawn(
                    replace(birds(), labels=birds().attributes, attributes=birds().labels),
                    s,
                    v,
                    aligned=0.95,
                    train=500,
                    val=90,
                    test=200,
                    penalty=0.01,
                ),
            )
    if (data / "clickbait").is_dir():
        for part, cases in (
            ("development", ((0, 0.95), (1, 0.95), (2, 0.85), (3, 0.5))),
            ("held out", ((10, 0.95), (11, 0.98), (12, 0.9), (13, 1.0))),
        ):
            for seed, aligned in cases:
                yield _of(
                    "clickbait or news",
                    f"clickbait-{aligned:g}-{seed}",
                    part,
                    lambda v, s=seed, a=aligned: drawn(
                        clickbait(), s, v, aligned=a, train=1000, val=200, test=200, penalty=1.0
                    ),
                )
    if (data / "cueconflict").is_dir():
        for part, kinds, seeds in (
            ("development", ("animal", "vehicle"), (0, 1, 2)),
            ("held out", ("animal", "object"), (10, 11)),
            ("held out", ("vehicle", "object"), (10, 11)),
            ("held out", ("animal", "vehicle", "object"), (10, 11)),
        ):
            for seed in seeds:
                yield _of(
                    f"cue conflict, {len(kinds)} shapes",
                    f"cue-{'-'.join(kinds)}-{seed}",
                    part,
                    lambda v, s=seed, k=kinds: drawn(
                        cue_conflict(k),
                        s,
                        v,
                        aligned=0.95 if len(k) == 2 else 0.9,
                        train=400,
                        val=60,
                        test=60,
                        penalty=0.01,
                    ),
                )
    if (data / "nli").is_dir():
        for part, cases in (
            ("development", ((0, 2, 0.95), (1, 2, 0.85))),
            ("held out", ((10, 2, 0.95), (11, 3, 0.9), (12, 3, 0.95))),
        ):
            for seed, classes, aligned in cases:
                yield _of(
                    "pairs of sentences",
                    f"nli-{classes}-{aligned:g}-{seed}",
                    part,
                    lambda v, s=seed, c=classes, a=aligned: drawn(
                        sentence_pairs(cache, c), s, v, aligned=a, train=1500, val=200, test=150, penalty=1.0
                    ),
                )
    for seed in (0, 1, 2):
        yield _of("built-in example", f"example-{seed}", "held out", lambda v, s=seed: example(s, v))
    for part, seed, strengths in (
        ("development", 0, (0.5, 0.8, 0.95, 1.0)),
        ("held out", 10, (0.5, 0.7, 0.9, 0.98, 1.0)),
    ):
        for aligned in strengths:
            yield _of(
                "planted, 12 neurons",
                f"planted-{aligned:g}-{seed}",
                part,
                lambda v, s=seed, a=aligned: planted(s, v, a),
            )
    for seed, aligned in ((100, 0.5), (101, 0.8), (102, 0.95), (103, 1.0)):
        yield _of(
            "generated, 10 neurons",
            f"shortcut-{aligned:g}-{seed}",
            "held out",
            lambda v, s=seed, a=aligned: shortcut(s, v, a),
        )
    for part, seeds in (("development", range(12)), ("held out", range(100, 112))):
        for seed in seeds:
            yield _of("generated, 256 neurons", f"wide-{seed}", part, lambda v, s=seed: wide(s, v))


def _of(family: str, name: str, part: str, make: Callable[[str], Sets]) -> Problem:
    return Problem(family, name, part, make)  # type: ignore[arg-type]
