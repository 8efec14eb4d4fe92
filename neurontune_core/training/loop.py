"""A training from its first epoch, or from where it was stopped, to the model on disk."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from neurontune_core.datasets.base import Dataset
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation
from neurontune_core.extraction.extract import Cancelled, choose_device, listing_digest
from neurontune_core.files import read_json
from neurontune_core.models.base import Network
from neurontune_core.models.saved import FILE as MODEL_FILE
from neurontune_core.models.saved import resolved
from neurontune_core.training.checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from neurontune_core.training.config import TrainConfig
from neurontune_core.training.history import TrainEpoch, TrainHistory, best_epoch, read_history, write_history
from neurontune_core.training.network import open_trainable, save_trained
from neurontune_core.training.splits import with_splits
from neurontune_core.training.trainer import Trainer

_PATIENCE = 5.0  # seconds that a process which was killed may take to go

OnProgress = Callable[[int, int, float, int], object]


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        folder: of ``model.json``, the weights and ``history.json``.
        spec: of the trained model, its weights relative to ``folder``.
        history: all epochs, and the one that was kept.
    """

    folder: Path
    spec: dict[str, Any]
    history: TrainHistory


def train(
    spec: Mapping[str, Any],
    dataset: Dataset,
    folder: str | Path,
    config: TrainConfig = TrainConfig(),
    *,
    base: str | Path = ".",
    device: str = "auto",
    frozen: Sequence[str] = (),
    facts: Mapping[str, Any] = MappingProxyType({}),
    on_progress: OnProgress | None = None,
    on_epoch: Callable[[TrainHistory], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Trained:
    """Train by empirical risk minimization, and write the best epoch to ``folder``.

    A stopped or killed training resumes after its last complete epoch when the same call is repeated, and ends, on a
    CPU, with the same weights bit for bit. A finished one is opened as it is.

    Args:
        spec: of the model that training starts from, as `load_model` takes it; relative paths start from ``base``.
        dataset: its "train" split is trained on, its "val" split chooses the epoch; without one, a seeded part of the
            training samples is held out. Groups are measured but never used.
        folder: of the trained model.
        config: the settings.
        base: the folder that relative paths start from.
        device: "auto" (CUDA, else Apple's MPS, else the CPU) or a torch device.
        frozen: names of parts of the network, such as "layer1", whose weights and batch statistics stay as they are.
        facts: further JSON-able content of ``model.json``.
        on_progress: called with (samples done, samples in all, samples per second, epoch) after every batch.
        on_epoch: called with the history after every epoch.
        should_stop: asked before every batch.

    Raises:
        InputError: when model, data and settings do not fit each other, the loss is NaN or infinite in the first
            epoch, or ``folder`` holds another training.
        Cancelled: when ``should_stop`` returned True. Exceptions of the callbacks are passed on; complete epochs are
            kept.
    """
    folder, base = Path(folder), Path(base)
    dataset, remarks = with_splits(dataset, config)
    start = resolved(spec, base)
    network, spec, network_remarks = open_trainable(start, base, dataset, config)
    torch_device = choose_device(device)
    fingerprint = _fingerprint(network, dataset, config, torch_device, frozen)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=_PATIENCE):
            if (finished := _finished(folder, fingerprint)) is not None:
                return finished
            run = _Run(Trainer(network.to(torch_device), dataset, config, frozen), folder, fingerprint, config)
            run.resume(TrainHistory(planned=config.epochs, remarks=(*remarks, *network_remarks)))
            run.epochs(on_progress, on_epoch, should_stop)
            written = save_trained(
                network,
                spec,
                base,
                folder,
                dataset.class_names,
                fingerprint=fingerprint,
                start=start,
                settings=asdict(config),
                kept=asdict(run.history.kept) if run.history.kept else None,
                samples={split: len(dataset.rows(split)) for split in ("train", "val")},
                **facts,
            )
            remove_checkpoint(folder)
            return Trained(folder, written, run.history)
    except Timeout:
        raise InputError(f"Another process is training into {folder}; wait for it, or choose another folder.") from None


class _Run:
    """The epochs of one training, and the state after each."""

    def __init__(self, trainer: Trainer, folder: Path, fingerprint: str, config: TrainConfig) -> None:
        self._trainer, self._folder, self._fingerprint, self._config = trainer, folder, fingerprint, config
        self._best: dict[str, Any] = {}
        self.history = TrainHistory()

    def resume(self, start: TrainHistory) -> None:
        """Restore the state after the last complete epoch, or begin with ``start``."""
        state = load_checkpoint(self._folder, self._fingerprint)
        self.history = start
        if state is not None:
            self._trainer.set_weights(state["weights"])
            self._trainer.set_state(state["trainer"])
            self._best = state["best"]
            epochs = tuple(TrainEpoch(**record) for record in state["epochs"])
            self.history = replace(start, epochs=epochs, best=best_epoch(epochs, self._config.keep))
        write_history(self._folder, self.history)

    def epochs(
        self,
        on_progress: OnProgress | None,
        on_epoch: Callable[[TrainHistory], object] | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        """Train the remaining epochs, and load the weights of the best one into the network."""
        trainer, first = self._trainer, len(self.history.epochs)
        started, done = time.monotonic(), 0
        total = self._config.epochs * trainer.samples_an_epoch

        def tick(samples: int) -> None:
            nonlocal done
            done += samples
            if on_progress:
                rate = done / max(time.monotonic() - started, 1e-9)
                on_progress(first * trainer.samples_an_epoch + done, total, rate, epoch)
            if should_stop and should_stop():
                raise Cancelled(
                    f"Stopped in epoch {epoch} of {self._config.epochs}; the same training goes on from its beginning."
                )

        for epoch in range(first + 1, self._config.epochs + 1):
            tick(0)
            loss = trainer.run(epoch, tick)
            evaluation = trainer.measure(tick) if math.isfinite(loss) else None
            if evaluation is None:
                self._stop(epoch)
                break
            self._note(epoch, loss, evaluation)
            if on_epoch:
                on_epoch(self.history)
        trainer.set_weights(self._best)

    def _note(self, epoch: int, loss: float, evaluation: Evaluation) -> None:
        record = TrainEpoch(
            epoch,
            loss,
            self._trainer.learning_rate,
            evaluation.accuracy,
            evaluation.worst_class_accuracy,
            evaluation.worst_group_accuracy,
        )
        epochs = (*self.history.epochs, record)
        self.history = replace(self.history, epochs=epochs, best=best_epoch(epochs, self._config.keep))
        weights = self._trainer.weights()
        if self.history.best == epoch:
            self._best = weights
        state = {"epochs": [asdict(record) for record in epochs], "weights": weights, "best": self._best}
        save_checkpoint(self._folder, self._fingerprint, state | {"trainer": self._trainer.state()})
        write_history(self._folder, self.history)

    def _stop(self, epoch: int) -> None:
        """End the training where the loss is NaN or infinite, and keep the epochs before."""
        rate = f"the learning rate, {self._config.learning_rate:g}, is probably too high"
        if self.history.best is None:
            raise InputError(f"The loss was not a number in the first epoch; {rate}.")
        remark = f"Training stopped in epoch {epoch}, where the loss was not a number; {rate}. "
        remark += f"Epoch {self.history.best} is kept."
        self.history = replace(self.history, remarks=(*self.history.remarks, remark))
        write_history(self._folder, self.history)


def _fingerprint(
    network: Network[Any], dataset: Dataset, config: TrainConfig, device: str, frozen: Sequence[str]
) -> str:
    """Hash everything that a training depends on, including batch size and device, which change the last bits."""
    rows = dataset.samples[dataset.samples["split"].isin(("train", "val"))]
    what: dict[str, Any] = {
        "model": network.fingerprint(),
        "input": network.input_settings(),
        "samples": listing_digest(dataset, rows),
        "settings": asdict(config),
        "device": device.split(":")[0],
    }
    if frozen:
        what["frozen"] = list(frozen)
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _finished(folder: Path, fingerprint: str) -> Trained | None:
    if not (folder / MODEL_FILE).is_file():
        return None
    content = read_json(folder / MODEL_FILE)
    if content.get("fingerprint") != fingerprint:
        raise InputError(
            f"{folder} holds a finished training of another model, other data or other settings; choose another folder."
        )
    return Trained(folder, content["spec"], read_history(folder))
