"""A small, balanced sample through the model: what it answers under several normalisations, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing

if TYPE_CHECKING:
    import torch

    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import Network

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]  # mean and std for values in 0..1
NORMALISATIONS: dict[str, Normalisation] = {
    "ImageNet's mean and std": (IMAGENET_MEAN, IMAGENET_STD),
    "values from -1 to 1": ((0.5,) * 3, (0.5,) * 3),
    "values from 0 to 1": ((0.0,) * 3, (1.0,) * 3),
    "values from 0 to 255": ((0.0,) * 3, (1 / 255,) * 3),
}
_ALIKE = 0.02  # means and stds closer than this give the same answers
_ORDER = ("val", "test", "train", "")  # where the model is asked: samples that it was not trained on, if there are any
_BATCH = 32


@dataclass
class Answers:
    """What the model said of n samples.

    Attributes:
        split: where they come from.
        labels, found: [n] int64, the class that each is of and the one that the model names; empty without a head.
        batches: what the network read, kept for other normalisations.
        rates: (samples, seconds) of each batch.
    """

    split: str
    labels: np.ndarray
    found: np.ndarray
    batches: list[Any]
    rates: list[tuple[int, float]]

    @property
    def kept(self) -> int:
        """Bytes of the batches."""
        tensors = [
            each for batch in self.batches for each in (batch.values() if isinstance(batch, Mapping) else [batch])
        ]
        return sum(tensor.nbytes for tensor in tensors)

    @property
    def rate(self) -> tuple[int, float]:
        """Samples timed and samples per second; the first batch only warms up, where there are others."""
        counted = self.rates[1:] or self.rates
        samples, seconds = (sum(values) for values in zip(*counted, strict=True))
        return int(samples), samples / max(seconds, 1e-9)


def ask(
    model: Network[Any], dataset: Dataset, *, samples: int, seconds: float, seed: int, with_answers: bool
) -> Answers:
    """Run up to ``samples`` samples through the model, at least one batch, and no new batch after ``seconds``."""
    split = next(split for split in _ORDER if split in dataset.splits)
    labels, sources = (dataset.rows(split)[name].to_numpy() for name in ("label", "source"))
    rows = balanced_rows(labels, samples, seed)
    used: list[int] = []
    found: list[int] = []
    answers, started = Answers(split, labels[:0], labels[:0], [], []), time.monotonic()
    for start in range(0, len(rows), _BATCH):
        if start and time.monotonic() - started > seconds:
            break
        began, good, prepared = time.monotonic(), [], []
        for row in rows[start : start + _BATCH].tolist():
            with suppress(InputError):  # counted by look_at_data
                prepared.append(model.prepare(dataset.open_sample(str(sources[row]))))
                good.append(row)
        if not good:
            continue
        batch = model.batch(prepared)
        if with_answers:
            found += _classes(model, batch)
            used += good
            answers.batches.append(batch)
        else:
            model.embed(batch).float().cpu()
        answers.rates.append((len(good), time.monotonic() - began))
    answers.labels, answers.found = labels[used], np.array(found, dtype=np.int64)
    return answers


def other_normalisations(
    model: Network[Any], answers: Answers, promising: Callable[[int], bool]
) -> list[tuple[str, int, int | None]]:
    """(name, mistakes that it repairs, right answers that it breaks) of every other normalisation of pictures.

    Only the mistakes are asked for first: what repairs too few of them to be ``promising`` cannot be better, whatever
    it breaks, and that is then left None.
    """
    right = answers.found == answers.labels
    told: list[tuple[str, int, int | None]] = []
    for name, change in _others(model).items():
        fixed = int(right.size - right.sum()) and _right_of(model, answers, change, ~right)
        broken = int(right.sum()) - _right_of(model, answers, change, right) if promising(fixed) else None
        told.append((name, fixed, broken))
    return told


def _right_of(model: Network[Any], answers: Answers, change: Any, chosen: np.ndarray) -> int:
    """How many of the chosen samples are right once the batches are changed."""
    import torch

    pixels = torch.cat(answers.batches)[torch.from_numpy(chosen)]
    found = [label for part in pixels.split(_BATCH) for label in _classes(model, change(part))] if len(pixels) else []
    return int((np.array(found, dtype=np.int64) == answers.labels[chosen]).sum())


def balanced_rows(labels: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """[at most ``samples``] row numbers: one of each class in turn, classes and rows in random order.

    Any beginning of them is as balanced as it can be.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        mine = shuffled[labels[shuffled] == label]
        turn[mine] = np.arange(len(mine))
    return shuffled[np.argsort(turn[shuffled], kind="stable")][:samples]


def _classes(model: Network[Any], batch: Any) -> list[int]:
    return model.logits(batch).argmax(dim=1).tolist()


def _others(model: Network[Any]) -> dict[str, Any]:
    """name -> what turns a normalised batch [B, 3, H, W] into one that is normalised in that way."""
    used = getattr(model, "preprocessing", None)
    if not isinstance(used, Preprocessing):
        return {}
    return {
        name: _changer((used.mean, used.std), other)
        for name, other in NORMALISATIONS.items()
        if not all(
            np.allclose(mine, theirs, atol=_ALIKE) for mine, theirs in zip((used.mean, used.std), other, strict=True)
        )
    }


def _changer(used: Normalisation, wanted: Normalisation) -> Any:
    def change(batch: torch.Tensor) -> torch.Tensor:
        (mean, std), (other_mean, other_std) = (
            [batch.new_tensor(values).reshape(3, 1, 1) for values in each] for each in (used, wanted)
        )
        return (batch * std + mean - other_mean) / other_std

    return change
