"""Optimizer and learning-rate schedule, both torch's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler

from neurontune_core.training.config import TrainConfig


def make_optimizer(parameters: list[nn.Parameter], config: TrainConfig) -> torch.optim.Optimizer:
    """Make SGD with momentum, or AdamW without weight decay on vectors (biases and scales of normalization layers).

    >>> layer = nn.Linear(3, 2)
    >>> optimizer = make_optimizer(list(layer.parameters()), TrainConfig(optimizer="adamw", weight_decay=0.1))
    >>> [group["weight_decay"] for group in optimizer.param_groups]
    [0.1, 0.0]
    """
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
        )
    groups: list[dict[str, Any]] = [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)


def make_scheduler(
    optimizer: torch.optim.Optimizer, config: TrainConfig, steps_per_epoch: int
) -> lr_scheduler.LRScheduler:
    """Make the learning-rate schedule, which is stepped after every batch.

    Milestones are whole epochs; the cosine and the linear schedule end at 0 with the last batch.
    """
    steps = config.epochs * steps_per_epoch
    if config.schedule == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, steps)
    if config.schedule == "linear":
        return lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    milestones = [epoch * steps_per_epoch for epoch in config.milestones] if config.schedule == "step" else []
    return lr_scheduler.MultiStepLR(optimizer, milestones, config.decay_factor)
