"""Splits for datasets that come without: a seeded part of the training samples, as much of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from neurontune_core.datasets.base import KEPT_BACK, Dataset
from neurontune_core.errors import InputError
from neurontune_core.units import unit_numbers, units_by_class


def held_out(dataset: Dataset, options: Mapping[str, Any]) -> Dataset:
    """Add the splits that a dataset lacks.

    Without a validation split, a share of the training samples of each class becomes one. Without any splits, another
    such share becomes the test split. Samples of one unit, or of one pair, stay together. A dataset with a validation
    split is returned unchanged.

    Args:
        dataset: the dataset.
        options: ``share`` (0 to 0.5) and ``seed``.

    Raises:
        InputError: when there is no training split, or a class has too few samples to divide.

    >>> import pandas as pd
    >>> from pathlib import Path
    >>> samples = pd.DataFrame({"id": list("abcdefgh"), "label": [0, 1] * 4, "split": ""})
    >>> dataset = held_out(Dataset(Path("birds"), samples, ("land", "water")), {"share": 0.25, "seed": 0})
    >>> [(split, len(dataset.rows(split))) for split in dataset.splits]
    [('train', 4), ('val', 2), ('test', 2)]
    """
    share, seed = _share_and_seed(options, "hold out")
    if "val" in dataset.splits:
        return dataset
    source, new = ("train", ["val"]) if "train" in dataset.splits else ("", ["val", "test"])
    rows = np.flatnonzero(dataset.samples["split"].to_numpy() == source)
    if not len(rows):
        raise InputError(
            f"The dataset {dataset.root} has no training split, only {', '.join(dataset.splits)}, so nothing can be "
            "held out of it; name a split train."
        )
    return _divided(dataset, rows, share, new, np.random.default_rng(seed))


def kept_back(dataset: Dataset, options: Mapping[str, Any]) -> Dataset:
    """Move a share of each class's training samples to a split of their own, which no training sees (as AFR does).

    Args:
        dataset: with a training split.
        options: ``share`` (0 to 0.5) and ``seed``; the split is named `KEPT_BACK`.

    Raises:
        InputError: when there is no training split, or a class has too few samples to divide.

    >>> import pandas as pd
    >>> from pathlib import Path
    >>> samples = pd.DataFrame({"id": list("abcdefgh"), "label": [0, 1] * 4, "split": "train"})
    >>> dataset = kept_back(Dataset(Path("birds"), samples, ("land", "water")), {"share": 0.25, "seed": 0})
    >>> [(split, len(dataset.rows(split))) for split in dataset.splits]
    [('train', 6), ('reweight', 2)]
    """
    share, seed = _share_and_seed(options, "keep back")
    rows = np.flatnonzero(dataset.samples["split"].to_numpy() == "train")
    if not len(rows):
        raise InputError(f"The dataset {dataset.root} has no training split, so nothing can be kept back from it.")
    return _divided(dataset, rows, share, [KEPT_BACK], np.random.default_rng(seed + 1))


def _share_and_seed(options: Mapping[str, Any], purpose: str) -> tuple[float, int]:
    share = float(options.get("share", 0.2))
    if not 0 < share <= 0.5:
        raise InputError(f"Expected a share to {purpose} above 0 and at most 0.5, but got {share:g}.")
    return share, int(options.get("seed", 0))


def _divided(dataset: Dataset, rows: np.ndarray, share: float, new: list[str], rng: np.random.Generator) -> Dataset:
    """Return the dataset with a share of each class of the rows in every new split, and the rest in train."""
    labels = dataset.samples["label"].to_numpy()[rows]
    splits = dataset.samples["split"].to_numpy(dtype=object).copy()
    splits[rows] = "train"
    columns = [dataset.samples[role].to_numpy(object)[rows] for role in ("unit", "pair") if role in dataset.samples]
    units = unit_numbers(*columns)
    if units is not None:
        splits[rows] = _by_unit(dataset, labels, units, share, new, rng)
        return replace(dataset, samples=dataset.samples.assign(split=splits))
    for label in np.unique(labels):
        own = rng.permutation(rows[labels == label])
        count = max(1, round(share * len(own)))
        if len(own) <= count * len(new):
            raise InputError(
                f'Class "{dataset.class_names[label]}" has {len(own)} samples, too few to hold some out for '
                f"{' and '.join(new)}; add samples of it, or give a validation split."
            )
        for place, split in enumerate(new):
            splits[own[place * count : (place + 1) * count]] = split
    return replace(dataset, samples=dataset.samples.assign(split=splits))


def _by_unit(
    dataset: Dataset, labels: np.ndarray, units: np.ndarray, share: float, new: list[str], rng: np.random.Generator
) -> np.ndarray:
    """Return [N] the split of each sample: whole units until a class has its share, the rarest class first."""
    splits = np.full(len(labels), "train", dtype=object)
    classes = len(dataset.class_names)
    few = units_by_class(labels, units, classes)
    counts = np.bincount(labels, minlength=classes)
    for label in [int(label) for label in np.argsort(few, kind="stable") if counts[label]]:
        if few[label] <= len(new):
            raise InputError(
                f'Class "{dataset.class_names[label]}" has {few[label]} units of samples that belong together, too few '
                f"to hold some out for {' and '.join(new)}; add units of it, or give a validation split."
            )
        names = rng.permutation(np.unique(units[(labels == label) & (splits == "train")]))
        for split in new:
            enough = max(1, round(share * counts[label]))
            while len(names) > 1 and np.sum((labels == label) & (splits == split)) < enough:
                splits[units == names[0]], names = split, names[1:]
    return splits
