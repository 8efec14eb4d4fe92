"""Every setting of NeuronTune with its default: the one place where a default lives."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from neurontune_core.errors import InputError
from neurontune_core.identification.scores import Statistic

Normalize = Literal["none", "standardize", "l2"]
Optimizer = Literal["sgd", "adamw"]
Init = Literal["warm", "reset", "zero"]
Select = Literal["sfit", "worst_class_accuracy", "last"]
Rounds = Literal["recompute", "accumulate", "once"]
MaskScope = Literal["union", "per_class"]


def _setting(default: Any, explanation: str, choices: Any = None) -> Any:
    return field(default=default, metadata={"help": explanation, "choices": get_args(choices) if choices else None})


_RANGES = {
    "threshold": (-1e30, 1e30),
    "mask_value": (0.0, 1.0),
    "quantile": (1e-6, 1 - 1e-6),
    "epochs": (1, 100_000),
    "batches": (1, 1_000_000),
    "batch_size": (1, 1_000_000),
    "learning_rate": (1e-12, 1e6),
    "momentum": (0.0, 0.9999),
    "weight_decay": (0.0, 1e6),
    "average_epochs": (1, 100_000),
    "max_masked_fraction": (0.0, 1.0),
    "seed": (0, 2**63 - 1),
}


@dataclass(frozen=True)
class TuneConfig:
    """Settings of `neurontune`. Where the paper is silent the default is ours, and the help says so.

    Raises:
        InputError: naming the setting that is out of range.
    """

    threshold: float = _setting(0.0, "λ of Eq. 6: a neuron is biased when its score exceeds this for any class")
    mask_value: float = _setting(0.0, "what biased activations are multiplied by: 0 silences them, 1 leaves them")
    masking: bool = _setting(True, "off: class-balanced retraining of the head without any mask (Table 4, NT = No)")
    magnitude: bool = _setting(True, "score |activation| as the paper does; off: the signed activation")
    statistic: Statistic = _setting("median", "what is compared between mistakes and hits", Statistic)
    quantile: float = _setting(0.5, "the quantile compared when the statistic is quantile")
    normalize: Normalize = _setting(
        "none", "per-neuron scaling, fitted on the tuning set and folded into the head (ours: none)", Normalize
    )
    epochs: int = _setting(40, "rounds of identifying and tuning")
    batches: int = _setting(200, "class-balanced batches an epoch")
    batch_size: int = _setting(128, "samples a batch, as many of each class")
    learning_rate: float = _setting(1e-3, "constant learning rate")
    optimizer: Optimizer = _setting("sgd", "sgd, or adamw for text (ours, after the authors' related code)", Optimizer)
    momentum: float = _setting(0.9, "momentum of SGD (ours, after the authors' related code)")
    weight_decay: float = _setting(1e-4, "weight decay (ours, after the authors' related code)")
    init: Init = _setting(
        "warm", "where the head starts: the ERM head, fresh random weights, or zero (ours: warm)", Init
    )
    select: Select = _setting(
        "sfit", "which epoch is kept: highest SFit (the paper), highest worst-class accuracy, last", Select
    )
    average_epochs: int = _setting(1, "average the heads of this many best epochs (1, the paper: no averaging)")
    rounds: Rounds = _setting("recompute", "biased neurons over epochs: recomputed, accumulated, or found once", Rounds)
    mask_scope: MaskScope = _setting("union", "one mask for all classes (the paper), or one a class", MaskScope)
    max_masked_fraction: float = _setting(1.0, "mask at most this share of neurons, those with the highest scores")
    seed: int = _setting(0, "seed of the batches and of a fresh head")

    def __post_init__(self) -> None:
        for setting in fields(self):
            value, choices = getattr(self, setting.name), setting.metadata["choices"]
            if choices and value not in choices:
                raise InputError(f'Expected {setting.name} to be one of {", ".join(choices)}, but got "{value}".')
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not low <= value <= high:
                raise InputError(f"Expected {name} between {low:g} and {high:g}, but got {value!r}.")
