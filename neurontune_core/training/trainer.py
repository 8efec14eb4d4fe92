"""One epoch of training, and one measurement: the network with its optimizer, schedule and samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from neurontune_core.datasets.base import Dataset
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, evaluate_predictions
from neurontune_core.extraction.batches import batches
from neurontune_core.extraction.extract import refuse_unreadable
from neurontune_core.models.base import ImageModel, Network
from neurontune_core.training.augmentation import Augmentation
from neurontune_core.training.config import TrainConfig
from neurontune_core.training.network import trained_parameters, training_mode
from neurontune_core.training.optimizer import make_optimizer, make_scheduler
from neurontune_core.training.seeds import derived, seeded_everywhere

_ORDER, _DROPOUT = 0, 1  # what a seed is derived for, beside the epoch

Tick = Callable[[int], object]


@dataclass(frozen=True)
class _Answers:
    """The true labels and groups that predictions on a split are compared with."""

    labels: np.ndarray
    class_names: tuple[str, ...]
    groups: np.ndarray | None
    group_names: tuple[str, ...]
    overlapping_groups: None = None


class Trainer:
    """One training in progress: the network, the optimizer's state and the position in the schedule.

    Args:
        network: on the device that it is trained on.
        dataset: with splits "train" and "val".
        config: the settings.
        frozen: names of the network's parts that stay as they are.
    """

    def __init__(
        self, network: Network[Any], dataset: Dataset, config: TrainConfig, frozen: Sequence[str] = ()
    ) -> None:
        self._network, self._dataset, self._config, self._frozen = network, dataset, config, frozen
        self._rows, self._val = dataset.rows("train"), dataset.rows("val")
        self._labels = self._rows["label"].to_numpy()
        whole = len(self._rows) // config.batch_size  # a rest is left out of the epoch, another one each time
        self._steps = max(1, whole)
        self.samples_an_epoch = (whole * config.batch_size or len(self._rows)) + len(self._val)
        self._optimizer = make_optimizer(trained_parameters(network, config, frozen), config)
        self._scheduler = make_scheduler(self._optimizer, config, self._steps)
        self._precision = mixed_precision(network.device, config)
        self._scaler = torch.amp.GradScaler(network.device.type, enabled=self._precision is torch.float16)

    def run(self, epoch: int, tick: Tick) -> float:
        """Train one epoch.

        Args:
            epoch: from 1.
            tick: called with the number of samples after every batch; its exceptions are passed on.

        Returns:
            The mean cross-entropy of the batches; NaN as soon as that of one batch is NaN or infinite.

        Raises:
            InputError: when over a tenth of the samples cannot be read, or a batch does not fit into memory.
        """
        config, network = self._config, self._network
        training_mode(network, config, self._frozen)
        generator = torch.Generator().manual_seed(derived(config.seed, epoch, _ORDER))
        order = torch.randperm(len(self._rows), generator=generator)[: self._steps * config.batch_size].tolist()
        prepare = Augmentation(network.preprocessing, config, epoch) if isinstance(network, ImageModel) else None
        losses, unreadable = [], []
        with seeded_everywhere(derived(config.seed, epoch, _DROPOUT), network.device):
            for batch in batches(network, self._dataset, self._rows, order, config.batch_size, prepare):
                unreadable += batch.failures
                # A batch that unreadable files left too small for its statistics is passed over.
                if len(batch.rows) >= min(2, config.batch_size, len(order)):
                    losses.append(self._step(batch.inputs, batch.rows))
                    if not np.isfinite(losses[-1]):
                        return float("nan")
                tick(len(batch.rows) + len(batch.failures))
        refuse_unreadable(unreadable, len(order), self._dataset)
        return float(np.mean(losses))

    def _step(self, inputs: Any, rows: list[int]) -> float:
        device = self._network.device
        labels = torch.from_numpy(self._labels[rows]).to(device)
        try:
            with torch.autocast(device.type, self._precision, enabled=self._precision is not None):
                loss = cross_entropy(self._network.logits_with_gradient(inputs), labels)
            self._optimizer.zero_grad()
            self._scaler.scale(loss).backward()
            self._scaler.step(self._optimizer)
        except torch.OutOfMemoryError:
            raise InputError(
                f"A batch of {self._config.batch_size} does not fit into the memory of {device}; use a smaller one."
            ) from None
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise InputError("This network normalizes over its batch; use a batch size of at least 2.") from None
        self._scaler.update()
        self._scheduler.step()
        return float(loss.detach())

    def measure(self, tick: Tick) -> Evaluation | None:
        """Measure accuracy on the validation split, with images preprocessed as in extraction.

        Args:
            tick: called with the number of samples after every batch; its exceptions are passed on.

        Returns:
            The accuracies; None when an output is NaN or infinite.
        """
        network, rows = self._network, self._val
        network.module.eval()
        chosen: list[int] = []
        predictions: list[np.ndarray] = []
        unreadable: list[tuple[int, str]] = []
        for batch in batches(network, self._dataset, rows, range(len(rows)), self._config.batch_size):
            unreadable += batch.failures
            if batch.rows:
                with torch.no_grad():
                    logits = network.logits_with_gradient(batch.inputs).float()
                if not bool(torch.isfinite(logits).all()):
                    return None
                chosen += batch.rows
                predictions.append(logits.argmax(dim=1).cpu().numpy())
            tick(len(batch.rows) + len(batch.failures))
        refuse_unreadable(unreadable, len(rows), self._dataset)
        read = rows.iloc[chosen]
        answers = _Answers(
            read["label"].to_numpy(),
            self._dataset.class_names,
            read["group"].to_numpy() if "group" in read else None,
            self._dataset.group_names,
        )
        return evaluate_predictions(np.concatenate(predictions), answers)

    @property
    def learning_rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    def weights(self) -> dict[str, torch.Tensor]:
        """Return a copy of the weights on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self._network.module.state_dict().items()}

    def set_weights(self, weights: dict[str, torch.Tensor]) -> None:
        self._network.module.load_state_dict(weights)

    def state(self) -> dict[str, Any]:
        """Return the state of the optimizer, the schedule and the scaler of mixed precision."""
        parts: dict[str, Any] = {"optimizer": self._optimizer, "scheduler": self._scheduler, "scaler": self._scaler}
        return {name: part.state_dict() for name, part in parts.items()}

    def set_state(self, state: dict[str, Any]) -> None:
        self._optimizer.load_state_dict(state["optimizer"])
        self._scheduler.load_state_dict(state["scheduler"])
        self._scaler.load_state_dict(state["scaler"])


def mixed_precision(device: torch.device, config: TrainConfig) -> torch.dtype | None:
    """Return the data type of mixed precision: bfloat16 where the GPU has it, otherwise float16; None for float32.

    >>> mixed_precision(torch.device("cpu"), TrainConfig()) is None
    True
    """
    if config.precision == "float32" or (config.precision == "auto" and device.type != "cuda"):
        return None
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16
