"""Real data that the adviser's problems are drawn from: features with a known cue, and two built-in examples."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from advice_draw import Pool, Sets

from neurontune_core import EmbeddingSet, LinearHead

ASSETS = Path(__file__).parents[1] / "assets"


def shared_data() -> Path:
    return Path(os.environ.get("NEURONTUNE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@lru_cache
def birds() -> Pool:
    """Read Waterbirds-style composites, EfficientNet-Lite0; a unit is a species."""
    folder = shared_data() / "waterbirds_style"
    table = pd.read_csv(folder / "metadata.csv")
    with np.load(folder / "efficientnet_lite0_features_f16.npz", allow_pickle=False) as file:
        return Pool(file["X"], table["y"].to_numpy(), table["place"].to_numpy(), table["species"].to_numpy(str))


@lru_cache
def clickbait(cue: str = "digit") -> Pool:
    """Read headlines, MiniLM; clickbait or news, starting with a digit or ("length") of nine words or more."""
    folder = shared_data() / "clickbait"
    with np.load(folder / "minilm_l6_features_f16.npz", allow_pickle=False) as file:
        vectors, labels, attributes = file["X"], file["y"], file["a"]
    if cue == "length":
        texts = pd.read_csv(folder / "feature_rows.csv")["text"]
        attributes = (texts.str.split().str.len() >= 9).to_numpy().astype(np.int64)
    return Pool(vectors, labels, attributes, np.arange(len(labels)))


@lru_cache
def cue_conflict(kinds: tuple[str, ...], told_by: str = "shape") -> Pool:
    """Read images with the shape of one kind and the texture of another, EfficientNet-Lite0; the class is the shape, or
    the texture."""
    folder = shared_data() / "cueconflict"
    table = pd.read_csv(folder / "metadata.csv")
    with np.load(folder / "efficientnet_lite0_features_f16.npz", allow_pickle=False) as file:
        vectors = file["X"]
    table = table[table["shape_super"].isin(kinds) & table["texture_super"].isin(kinds)]
    place = {kind: number for number, kind in enumerate(kinds)}
    units = (table["shape"] + table["content_image"].astype(str)).to_numpy(str)
    labels, attributes = (table[name].map(place).to_numpy() for name in ("shape_super", "texture_super"))
    if told_by == "texture":
        labels, attributes = attributes, labels
    return Pool(vectors[table.index.to_numpy()], labels, attributes, units)


@lru_cache
def sentence_pairs(cache: Path, kind: str) -> Pool:
    """Encode premise u and hypothesis v through MiniLM as (u, v, |u - v|, uv).

    Kinds: "2", contradiction or not, and "3", all three classes, with a negation in the hypothesis as the cue (for
    entailment and neutral a coin that means nothing); "overlap", entailment or not, and whether the premise holds half
    of the words of the hypothesis.
    """
    from advice_sentences import sentence_features

    u, v, labels, negated, overlap, premises = sentence_features(shared_data() / "nli", cache)
    vectors = np.concatenate([u, v, abs(u - v), u * v], axis=1)
    if kind == "overlap":
        return Pool(vectors, (labels == 0).astype(np.int64), overlap, premises)
    if kind == "2":
        return Pool(vectors, (labels == 2).astype(np.int64), negated, premises)
    coin = np.random.default_rng(0).integers(0, 2, len(labels))
    return Pool(vectors, labels, np.where(negated == 1, 2, coin), premises)


@lru_cache
def digits(classes: int) -> Pool:
    """Return the digits of scikit-learn, 8 × 8, each in the color of every class: [N, 64 a color].

    Two classes: below five or not; more: pairs of digits that follow each other. A unit is an image.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    labels = data.target // (5 if classes == 2 else 2)
    pictures, labels = data.data[labels < classes] / 16, labels[labels < classes]
    count, size = pictures.shape
    vectors = np.zeros((classes, count, classes, size), dtype=np.float32)
    for color in range(classes):
        vectors[color, :, color] = pictures
    return Pool(
        vectors.reshape(classes * count, classes * size),
        np.tile(labels, classes),
        np.repeat(np.arange(classes), count),
        np.tile(np.arange(count), classes),
    )


def faces(seed: int, validation: str) -> Sets:
    """Read the built-in faces; what must not be split is an expression, whichever family drew it."""
    table = pd.read_csv(ASSETS / "faces" / "metadata.csv").set_index("filename")
    return _shipped("faces", seed, validation, table["pair"], table["expression"])


def reviews(seed: int, validation: str) -> Sets:
    """Read the built-in reviews; what must not be split is a pair."""
    table = pd.read_csv(ASSETS / "reviews" / "reviews.csv")
    pairs = table["pair"].set_axis([f"reviews.csv#{row}" for row in range(len(table))])
    return _shipped("reviews", seed, validation, pairs, pairs)


def _shipped(name: str, seed: int, validation: str, pairs: pd.Series, units: pd.Series) -> Sets:
    """Return its own splits, or, for seeds other than 0, validation and test drawn anew, apart by unit.

    Biased validation holds one sample of each pair; of each class as large a share contradicts the shortcut as in
    training.

    Args:
        pairs: by source, what joins a sample without the shortcut to the same one with it.
        units: by source, what must not be split; each holds whole pairs.
    """
    folder = ASSETS / name
    train, val, test = (EmbeddingSet.load(folder / "embeddings" / split) for split in ("train", "val", "test"))
    rng = np.random.default_rng([seed, 11])
    if seed:
        both = replace(
            val,
            embeddings=np.concatenate([val.embeddings, test.embeddings]),
            labels=np.concatenate([val.labels, test.labels]),
            groups=np.concatenate([val.groups, test.groups]),
            sample_ids=np.concatenate([val.sample_ids, test.sample_ids]),
            sources=np.concatenate([val.sources, test.sources]),
            pairs=np.concatenate([val.pairs, test.pairs]),
            units=None if val.units is None else np.concatenate([val.units, test.units]),
        )
        unit = units[list(both.sources)].to_numpy(str)
        chosen = np.zeros(len(unit), dtype=bool)
        for label in (0, 1):
            names = rng.permutation(np.unique(unit[both.labels == label]))
            chosen |= np.isin(unit, names[: len(names) // 2])
        val, test = both.take(np.flatnonzero(chosen)), both.take(np.flatnonzero(~chosen))
    if validation == "biased":
        pair = pairs[list(val.sources)].to_numpy(str)
        counter = np.zeros(val.num_samples, dtype=bool)
        for label, aligned in ((0, 0), (1, 3)):
            contradicting = np.mean(train.groups[train.labels == label] != aligned)
            names = rng.permutation(np.unique(pair[val.labels == label]))
            counter |= np.isin(pair, names[: max(1, round(len(names) * contradicting))])
        val = val.take(np.flatnonzero(np.isin(val.groups, (0, 3)) != counter))
    return Sets(LinearHead.load(folder / "head.safetensors"), val, train, test)
