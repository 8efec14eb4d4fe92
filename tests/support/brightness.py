"""Two shades of gray and a network that tells them apart, for the inspection before an extraction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from neurontune_core.preflight.request import Request

SIDE = 8
ENTRY = """
import torch
from torch import nn

class Brightness(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(3, 2)
    def forward(self, x):
        return self.fc(self.pool(x).flatten(1))

def network():
    return Brightness()
"""


def planted(folder: Path, *, swapped: bool = False) -> Request:
    """Write images of two shades of gray, 0.56 "dark" and 0.64 "light", and a network that tells them apart at 0.6 when
    it is fed values from -1 to 1. Under ImageNet's mean and std, both are light."""
    rng = np.random.default_rng(0)
    for number in range(80):
        split, light = ("train", "val")[number % 2], number // 2 % 2
        shade = int(255 * (0.64 if light else 0.56)) + rng.integers(-3, 4, (SIDE, SIDE, 3))
        path = folder / "pictures" / split / ("dark", "light")[light] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(shade.astype(np.uint8)).save(path)
    (folder / "brightness.py").write_text(ENTRY)
    weight = torch.tensor([[-1.0] * 3, [1.0] * 3])
    bias = torch.tensor([0.6, -0.6])
    order = [1, 0] if swapped else [0, 1]
    save_file({"fc.weight": weight[order].clone(), "fc.bias": bias[order].clone()}, folder / "model.safetensors")
    half = {"mean": [0.5] * 3, "std": [0.5] * 3}
    return Request(
        str(folder / "pictures"),
        str(folder / "model.safetensors"),
        entry="brightness:network",
        settings={"preprocessing": {"image_size": SIDE, "resize": SIDE, **half}},
    )
