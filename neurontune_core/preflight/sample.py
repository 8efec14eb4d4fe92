"""A small, balanced sample through the model: what it answers under several normalizations, and what it costs."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.pictures import nature
from neurontune_core.errors import InputError
from neurontune_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing

if TYPE_CHECKING:
    import torch

    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import Network

Normalization = tuple[tuple[float, ...], tuple[float, ...]]  # mean and std for values in 0..1
NORMALIZATIONS: dict[str, Normalization] = {
    "ImageNet's mean and std": (IMAGENET_MEAN, IMAGENET_STD),
    "values from -1 to 1": ((0.5,) * 3, (0.5,) * 3),
    "values from 0 to 1": ((0.0,) * 3, (1.0,) * 3),
    "values from 0 to 255": ((0.0,) * 3, (1 / 255,) * 3),
}
AS_STORED = "images as they are stored, EXIF ignored"
_ALIKE = 0.02  # means and stds closer than this give the same answers
_ORDER = ("val", "test", "train", "")  # where the model is asked: samples that it was not trained on, if there are any
_BATCH = 32
_A_CLASS = 4  # samples of each class that is drawn, where there are too many classes for all
_FEW_CLASSES = 16  # that many are drawn in any case


class Predictions:
    """The predictions of a model on n samples.

    Attributes:
        predicted: [n] int64, the class with the highest logit.
        log_likelihood: [n] of the sample's own class.
    """

    def __init__(self) -> None:
        self.predicted = np.empty(0, np.int64)
        self.log_likelihood = np.empty(0)

    def __len__(self) -> int:
        return len(self.predicted)

    def add(self, model: Network[Any], batch: Any, labels: np.ndarray) -> None:
        logits = model.logits(batch).float().cpu()
        scores = logits.log_softmax(dim=1).numpy()[np.arange(len(labels)), labels]
        self.predicted = np.concatenate([self.predicted, logits.argmax(dim=1).numpy()])
        self.log_likelihood = np.concatenate([self.log_likelihood, scores])


@dataclass
class Answers:
    """The predictions of a model on n samples, as they are read and under other normalizations of images.

    Attributes:
        split: of the samples.
        labels: [n] int64; empty for a model without a head for them.
        predictions: as the samples are read.
        others: by normalization; those that fell behind have fewer samples.
        rates: (samples, seconds) of each batch.

    >>> Answers("val", np.zeros(0), Predictions(), {}, [(32, 9.0), (32, 1.0), (32, 1.0)]).rate
    (64, 32.0)
    """

    split: str
    labels: np.ndarray
    predictions: Predictions
    others: dict[str, Predictions]
    rates: list[tuple[int, float]]

    @property
    def rate(self) -> tuple[int, float]:
        """Return the number of timed samples, and samples per second; the first of several batches only warms up."""
        counted = self.rates[1:] or self.rates
        samples, seconds = (sum(values) for values in zip(*counted, strict=True))
        return int(samples), samples / max(seconds, 1e-9)

    def promising(self, other: Predictions) -> bool:
        """Return whether another normalization is still worth measuring.

        It is where it is correct as often, or gives at least half of the samples' own classes more probability.
        """
        n = len(other)
        gain = int(
            (other.predicted == self.labels[:n]).sum() - (self.predictions.predicted[:n] == self.labels[:n]).sum()
        )
        return gain >= 0 or 2 * int((other.log_likelihood > self.predictions.log_likelihood[:n]).sum()) >= n


def ask(
    model: Network[Any], dataset: Dataset, *, samples: int, seconds: float, seed: int, with_answers: bool
) -> Answers:
    """Run up to ``samples`` samples through the model, at least one batch, and no new batch after ``seconds``.

    Other normalizations are dropped as soon as they fall behind.

    Args:
        model, dataset: the model and the samples' dataset.
        seed: of the draw.
        with_answers: whether the model has a head for the dataset's classes, so that its predictions can be counted.
    """
    split = next(split for split in _ORDER if split in dataset.splits)
    labels, sources = (dataset.rows(split)[name].to_numpy() for name in ("label", "source"))
    rows, changes = balanced_rows(labels, samples, seed), _others(model) if with_answers else {}
    turned = _turned_otherwise(dataset, sources[rows[:_BATCH]]) if with_answers and model.modality == "image" else None
    if turned is not None:
        changes[AS_STORED] = None
    answers = Answers(split, labels[:0], Predictions(), {name: Predictions() for name in changes}, [])
    started = time.monotonic()
    for start in range(0, len(rows), _BATCH):
        if start and time.monotonic() - started > seconds:
            break
        began, good, prepared = time.monotonic(), [], []
        for row in rows[start : start + _BATCH].tolist():
            with suppress(InputError):  # counted by inspect_samples
                prepared.append(model.prepare(dataset.open_sample(str(sources[row]))))
                good.append(row)
        if not good:
            continue
        batch, before = model.batch(prepared), len(answers.predictions)
        if with_answers:
            answers.predictions.add(model, batch, labels[good])
            answers.labels = np.concatenate([answers.labels, labels[good]])
        else:
            model.embed(batch).float().cpu()
        answers.rates.append((len(good), time.monotonic() - began))
        for name, other in answers.others.items():
            if len(other) != before or (before and not answers.promising(other)):
                continue
            if name == AS_STORED:
                assert turned is not None
                again = [model.prepare(turned.open_sample(str(sources[row]))) for row in good]
                other.add(model, model.batch(again), labels[good])
            else:
                other.add(model, changes[name](batch), labels[good])
    return answers


def _turned_otherwise(dataset: Dataset, sources: np.ndarray) -> Dataset | None:
    """Return the dataset with EXIF ignored where some of these images are turned by it; else None."""
    if dataset.exif != "rotate":
        return None
    for source in sources.tolist():
        with suppress(InputError):
            kind = nature(dataset.image_file(str(source)))
            if kind is not None and kind.turned:
                return replace(dataset, exif="ignore")
    return None


def balanced_rows(labels: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Draw [at most ``samples``] rows: one of each class in turn, classes and rows in random order.

    Any prefix of them is as balanced as possible. Of many classes only some are drawn, several samples of each, as one
    sample of a class says nothing of the order of the classes.

    >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    >>> np.bincount(labels[balanced_rows(labels, 4, seed=0)]).tolist()
    [2, 2]
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)
    room = max(samples, _A_CLASS * _FEW_CLASSES)
    for label in rng.permutation(np.unique(labels)):
        mine = shuffled[labels[shuffled] == label]
        turn[mine] = np.arange(len(mine)) if room > 0 else len(labels)  # classes that are not drawn come last
        room -= min(_A_CLASS, len(mine))
    return shuffled[np.argsort(turn[shuffled], kind="stable")][:samples]


def _others(model: Network[Any]) -> dict[str, Any]:
    """Return name -> function that converts a normalized batch [B, 3, H, W] to that normalization."""
    used = getattr(model, "preprocessing", None)
    if not isinstance(used, Preprocessing):
        return {}
    return {
        name: _changer((used.mean, used.std), other)
        for name, other in NORMALIZATIONS.items()
        if not all(
            np.allclose(mine, theirs, atol=_ALIKE) for mine, theirs in zip((used.mean, used.std), other, strict=True)
        )
    }


def _changer(used: Normalization, requested: Normalization) -> Any:
    def change(batch: torch.Tensor) -> torch.Tensor:
        (mean, std), (other_mean, other_std) = (
            [batch.new_tensor(values).reshape(3, 1, 1) for values in normalization]
            for normalization in (used, requested)
        )
        return (batch * std + mean - other_mean) / other_std

    return change
