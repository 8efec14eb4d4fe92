"""Muted backgrounds: random crops of three photographs that scikit-image's wheel ships, tinted and low in contrast."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

NAMES = ("grass", "gravel", "brick")  # CC0


@cache
def photograph(name: str) -> Image.Image:
    """Return one of the photographs in grayscale."""
    from skimage import data

    return Image.fromarray(getattr(data, name)()).convert("L")


def background(rng: np.random.Generator, size: int) -> Image.Image:
    """Draw a background [size, size] in RGB: 15 to 45 % of a crop's contrast around a light tint."""
    texture = photograph(NAMES[int(rng.integers(len(NAMES)))])
    side = int(rng.integers(64, 200))
    left, top = (int(rng.integers(0, length - side + 1)) for length in texture.size)
    crop = texture.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BICUBIC)
    gray = np.asarray(crop).astype(float)
    gray = 150 + (gray - gray.mean()) * rng.uniform(0.15, 0.45)
    return Image.fromarray(np.clip(gray[..., None] * rng.uniform(0.87, 1.13, 3), 0, 255).astype(np.uint8))
