"""What a training writes after every epoch, for the curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json

FILE = "history.json"


@dataclass(frozen=True)
class TrainEpoch:
    """One epoch.

    Attributes:
        epoch: from 1.
        loss: mean cross-entropy of the training batches, in nats.
        learning_rate: after the epoch.
        accuracy, worst_class_accuracy: on the validation split, 0..1.
        worst_group_accuracy: there, measured and never used; None without groups.
    """

    epoch: int
    loss: float
    learning_rate: float
    accuracy: float
    worst_class_accuracy: float
    worst_group_accuracy: float | None


@dataclass(frozen=True)
class TrainHistory:
    """A training so far.

    Attributes:
        epochs: those that are whole.
        best: the number of the one that would be kept now; None before the first.
        planned: how many there are to be.
        remarks: sentences for a person.
    """

    epochs: tuple[TrainEpoch, ...] = ()
    best: int | None = None
    planned: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def kept(self) -> TrainEpoch | None:
        return next((each for each in self.epochs if each.epoch == self.best), None)


def best_epoch(epochs: Sequence[TrainEpoch], keep: str) -> int | None:
    """Return the number of the epoch that is kept: the highest ``keep``, the earliest of equals; or the last one."""
    if not epochs:
        return None
    if keep == "last":
        return epochs[-1].epoch
    return max(epochs, key=lambda each: (getattr(each, keep), -each.epoch)).epoch


def write_history(folder: Path, history: TrainHistory) -> None:
    write_json(folder / FILE, asdict(history))


def read_history(folder: str | Path) -> TrainHistory:
    """Return the history in a training's folder; empty before its first epoch.

    Raises:
        InputError: when the file is not a history.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return TrainHistory()
    content: Any = read_json(path)
    try:
        epochs = tuple(TrainEpoch(**each) for each in content["epochs"])
        return TrainHistory(epochs, content["best"], content["planned"], tuple(content["remarks"]))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is not the history of a training ({error}).") from None
