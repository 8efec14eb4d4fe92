"""The ResNets of CIFAR-10 (He et al., 2016, Section 4.2): 6n + 2 layers, three stages of 16, 32 and 64 channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from neurontune_core.errors import InputError
from neurontune_core.models.base import ImageModel
from neurontune_core.models.fitting import fill, seeded
from neurontune_core.models.preprocessing import Preprocessing

DEPTHS = {f"resnet{depth}": depth for depth in (20, 32, 44, 56, 110)}
_PREPROCESSING = Preprocessing(image_size=32, resize=32)  # ImageNet's mean and std, as the usual checkpoints were fed


def load(spec: dict[str, Any], base: Path) -> ImageModel:
    """Load a ResNet for CIFAR-10 (He et al., 2016), whose shortcuts have no weights.

    State-dict keys are ``conv1``, ``bn1``, ``layer1.0.conv1``, ..., ``linear``.

    Raises:
        InputError: on an unknown architecture, or weights that do not fit.
    """
    architecture = spec.get("architecture", "")
    if architecture not in DEPTHS:
        raise InputError(f'There is no CIFAR network "{architecture}"; use one of {", ".join(DEPTHS)}.')
    with seeded():
        module = CifarResNet((DEPTHS[architecture] - 2) // 6)
    loading = fill(module, "linear", spec, base)
    return ImageModel(module, architecture, _PREPROCESSING.changed(spec), loading=loading)


class CifarResNet(nn.Module):
    """[B, 3, 32, 32] -> [B, 10], with ``blocks_per_stage`` residual blocks in each of three stages."""

    def __init__(self, blocks_per_stage: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages = []
        for channels_in, channels in ((16, 16), (16, 32), (32, 64)):
            rest = [_Block(channels, channels) for _ in range(blocks_per_stage - 1)]
            stages.append(nn.Sequential(_Block(channels_in, channels), *rest))
        self.layer1, self.layer2, self.layer3 = stages
        self.linear = nn.Linear(64, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out = functional.relu(self.bn1(self.conv1(images)))  # [B, 16, 32, 32]
        out = self.layer3(self.layer2(self.layer1(out)))  # [B, 64, 8, 8]
        return self.linear(out.mean(dim=(2, 3)))


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.stride, self.added = channels // channels_in, channels - channels_in
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.added:  # option A: every second pixel, the new channels zero, half before and half behind
            padding = (0, 0, 0, 0, self.added // 2, self.added // 2)
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], padding)
        return functional.relu(out + x)
