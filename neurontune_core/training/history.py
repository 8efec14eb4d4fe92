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
    """Measurements of one epoch.

    Attributes:
        epoch: from 1.
        loss: mean cross-entropy of the training batches, in nats.
        learning_rate: after the epoch.
        accuracy, worst_class_accuracy: on the validation split, 0..1.
        worst_group_accuracy: there; measured but never used; None without groups.
    """

    epoch: int
    loss: float
    learning_rate: float
    accuracy: float
    worst_class_accuracy: float
    worst_group_accuracy: float | None


@dataclass(frozen=True)
class TrainHistory:
    """The history of a training, finished or not.

    Attributes:
        epochs: the completed ones.
        best: the number of the epoch that would be kept now; None before the first.
        planned: the number of epochs to train.
        remarks: sentences for the user.
    """

    epochs: tuple[TrainEpoch, ...] = ()
    best: int | None = None
    planned: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def kept(self) -> TrainEpoch | None:
        return next((record for record in self.epochs if record.epoch == self.best), None)


def best_epoch(epochs: Sequence[TrainEpoch], keep: str) -> int | None:
    """Return the number of the epoch to keep: that with the highest ``keep``, the earliest of equals; or the last.

    >>> epochs = [TrainEpoch(number, 0.5, 0.1, accuracy, 0.5, None) for number, accuracy in ((1, 0.8), (2, 0.7))]
    >>> best_epoch(epochs, "accuracy"), best_epoch(epochs, "last")
    (1, 2)
    """
    if not epochs:
        return None
    if keep == "last":
        return epochs[-1].epoch
    return max(epochs, key=lambda record: (getattr(record, keep), -record.epoch)).epoch


def write_history(folder: Path, history: TrainHistory) -> None:
    write_json(folder / FILE, asdict(history))


def read_history(folder: str | Path) -> TrainHistory:
    """Read the history in a training's folder; empty before its first epoch.

    Raises:
        InputError: when the file is not a history.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_history(Path(folder), TrainHistory(planned=10))
    ...     read_history(folder).planned
    10
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return TrainHistory()
    content: Any = read_json(path)
    try:
        epochs = tuple(TrainEpoch(**record) for record in content["epochs"])
        return TrainHistory(epochs, content["best"], content["planned"], tuple(content["remarks"]))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is not the history of a training ({error}).") from None
