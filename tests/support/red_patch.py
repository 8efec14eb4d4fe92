"""Gray pictures, some with a red patch, and a tiny network of which one neuron sees red and another sees brightness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.datasets import Dataset, guess_dataset, open_dataset
from neurontune_core.models.base import ImageModel
from neurontune_core.models.fitting import Fit
from neurontune_core.models.preprocessing import Preprocessing

SIDE, PATCH = 32, 8
RED, BRIGHT, STILL = 0, 1, 2  # neurons
PLAIN = Preprocessing(image_size=SIDE, resize=SIDE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class RedPatch(nn.Module):
    """Mean over the picture of red minus green, of all colors, and of nothing; ``fc`` calls red pictures the second."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(3, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[1.0, -1, 0], [1, 1, 1], [0, 0, 0]])[..., None, None])
            self.conv.bias.copy_(torch.tensor([0.0, 0.0, 1.0]))
            self.fc.weight.copy_(torch.tensor([[0.0, 0, 0], [200.0, 1.0, 0]]))
            self.fc.bias.copy_(torch.tensor([0.0, -3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.pool(self.conv(x)).flatten(1))


def network() -> ImageModel:
    return ImageModel(RedPatch(), "red-patch", PLAIN, loading=Fit(trained_head=True))


def write(folder: Path, each: int = 12, tagged: int = 4, side: int = SIDE) -> Dataset:
    """Write ``val/dark/n.png`` and ``val/light/n.png``; the last ``tagged`` of a class hold a red patch somewhere."""
    rng = np.random.default_rng(0)
    for label, shade in (("dark", 90), ("light", 160)):
        for number in range(each):
            pixels = (shade + rng.integers(-20, 21, (side, side, 3))).astype(np.uint8)
            if number >= each - tagged:
                left, top = rng.integers(0, side - PATCH, 2)
                pixels[top : top + PATCH, left : left + PATCH] = patch()
            path = folder / "val" / label / f"{number:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return open_dataset(guess_dataset(folder).spec, folder)


def patch() -> np.ndarray:
    """Return [PATCH, PATCH, 3], a red square with a white cross."""
    pixels = np.zeros((PATCH, PATCH, 3), dtype=np.uint8)
    pixels[..., 0] = 230
    pixels[3:5] = pixels[:, 3:5] = 255
    return pixels


def embedded(dataset: Dataset, model: ImageModel, fingerprint: str | None = None) -> EmbeddingSet:
    """Return the set of the network's vectors, computed one picture at a time."""
    rows = dataset.rows("val")
    vectors = [model.embed(model.batch([model.prepare(dataset.open_source(source))])) for source in rows["source"]]
    return EmbeddingSet(
        torch.cat(vectors).numpy(),
        rows["label"].to_numpy(),
        dataset.class_names,
        sample_ids=rows["id"].to_numpy(dtype=object),
        sources=rows["source"].to_numpy(dtype=object),
        split="val",
        provenance={"extraction": {"model": fingerprint or model.fingerprint()}},
    )


def head(model: ImageModel) -> LinearHead:
    made = model.head()
    assert made is not None
    return made
