"""Every setting of NeuronTune with its default: the one place where a default lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurontune_core.identification.scores import Statistic
from neurontune_core.settings import Optimizer, Settings, setting

Normalize = Literal["none", "standardize", "l2"]
Init = Literal["warm", "reset", "zero"]
Select = Literal["sfit", "worst_class_accuracy", "last", "robust"]
Rounds = Literal["recompute", "accumulate", "once", "held"]
MaskScope = Literal["union", "per_class"]


@dataclass(frozen=True)
class TuneConfig(Settings):
    """Settings of `neurontune`. Where the paper is silent the default is ours, and the help says so.

    Raises:
        InputError: naming the setting that is of another type, out of range, or no choice.

    >>> TuneConfig(epochs=60, optimizer="adamw").threshold
    0.0
    >>> TuneConfig(mask_value=2)
    Traceback (most recent call last):
    neurontune_core.errors.InputError: Expected mask_value between 0 and 1, but got 2.
    """

    threshold: float = setting(
        0.0, "λ of Eq. 6: a neuron is biased when its score exceeds this for any class", low=-1e30, high=1e30
    )
    mask_value: float = setting(
        0.0, "what biased activations are multiplied by: 0 masks them fully, 1 leaves them", high=1.0
    )
    stability: float = setting(
        0.0,
        "standard errors by which a score must exceed the threshold, so that chance rarely selects a neuron (ours; 0, "
        "the paper: none)",
        high=100.0,
    )
    masking: bool = setting(True, "off: class-balanced retraining of the head without any mask (Table 4, NT = No)")
    magnitude: bool = setting(True, "score |activation| as the paper does; off: the signed activation")
    statistic: Statistic = setting(
        "median", "what is compared between misclassified and correct samples", choices=Statistic
    )
    quantile: float = setting(0.5, "the quantile compared when the statistic is quantile", low=1e-6, high=1 - 1e-6)
    normalize: Normalize = setting(
        "none", "per-neuron scaling, fitted on the tuning set and folded into the head (ours: none)", choices=Normalize
    )
    epochs: int = setting(40, "rounds of identifying and tuning", low=1, high=100_000)
    batches: int = setting(200, "class-balanced batches an epoch", low=1, high=1_000_000)
    batch_size: int = setting(128, "samples a batch, as many of each class", low=1, high=1_000_000)
    learning_rate: float = setting(1e-3, "constant learning rate", low=1e-12, high=1e6)
    optimizer: Optimizer = setting(
        "sgd", "sgd, or adamw for text (ours, after the authors' related code)", choices=Optimizer
    )
    momentum: float = setting(0.9, "momentum of SGD (ours, after the authors' related code)", high=0.9999)
    weight_decay: float = setting(1e-4, "weight decay (ours, after the authors' related code)", high=1e6)
    init: Init = setting(
        "warm", "where the head starts: the ERM head, fresh random weights, or zero (ours: warm)", choices=Init
    )
    select: Select = setting(
        "sfit",
        "which epoch is kept: highest SFit, Σ|delta| (the paper), highest worst-class accuracy, last; robust (ours): "
        "average late epochs with a stable mask, unless other epochs have a clearly better worst class",
        choices=Select,
    )
    average_epochs: int = setting(
        1, "average the heads of this many best epochs (1, the paper: no averaging)", low=1, high=100_000
    )
    rounds: Rounds = setting(
        "recompute",
        "biased neurons over epochs: recomputed, accumulated, chosen once, or held for the first half of the epochs "
        "and then recomputed",
        choices=Rounds,
    )
    mask_scope: MaskScope = setting("union", "one mask for all classes (the paper), or one a class", choices=MaskScope)
    max_masked_fraction: float = setting(
        1.0, "mask at most this share of neurons, those with the highest scores", high=1.0
    )
    seed: int = setting(0, "seed of the batches and of a fresh head", high=2**63 - 1)
