"""Composites: a foreground at a random place on a random crop of grass or gravel, split by object and by region."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from parts import SHAPES
from PIL import Image

SIZE = 160  # pixels, what the network reads
JPEG_QUALITY = 62
SEED = 0
COUNTER_EXAMPLES = 0.03  # share of training images that stand on the other background
LABELS, BACKGROUNDS = ("animal", "vehicle"), ("grass", "gravel")


@dataclass(frozen=True)
class Split:
    """Objects by number, rows of the background photographs, and images per object and background."""

    objects: range
    rows: tuple[int, int]
    images: int


SPLITS = {
    "train": Split(range(1, 7), (0, 272), 6),
    "val": Split(range(7, 9), (272, 392), 3),
    "test": Split(range(9, 11), (392, 512), 3),
}


def plan(foregrounds: list[str]) -> list[dict[str, str | int]]:
    """One row an image: backgrounds follow the class in training, but for the counter-examples; else balanced."""
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, str | int]] = []
    for split, how in SPLITS.items():
        for name in foregrounds:
            shape, number = re.match(r"([a-z]+)(\d+)-", name).groups()  # type: ignore[union-attr]
            if int(number) not in how.objects:
                continue
            label = SHAPES[shape]
            if split == "train":
                backgrounds = [label if rng.random() >= COUNTER_EXAMPLES else 1 - label for _ in range(how.images)]
            else:
                backgrounds = [0, 1] * how.images
            for copy, background in enumerate(backgrounds):
                rows.append(
                    {
                        "filename": f"{split}/{name}-{copy}.jpg",
                        "y": label,
                        "split": split,
                        "background": background,
                        "label_name": LABELS[label],
                        "background_name": BACKGROUNDS[background],
                        "object": f"{shape}{number}",
                        "foreground": name,
                        "seed": int(rng.integers(2**31)),
                    }
                )
    return rows


def compose(row: dict[str, str | int], parts: Path) -> Image.Image:
    """The composite of one row; the same row gives the same pixels."""
    rng = np.random.default_rng(int(row["seed"]))
    first, last = SPLITS[str(row["split"])].rows
    photograph = Image.open(parts / "backgrounds" / f"{row['background_name']}.webp").convert("L")
    side = int(rng.integers(64, 113))
    left, top = int(rng.integers(0, photograph.width - side)), int(rng.integers(first, last - side + 1))
    grey = np.asarray(
        photograph.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    )
    tint = np.array((0.62, 0.95, 0.45) if row["background_name"] == "grass" else (1.0, 0.97, 0.92))
    tint = tint * rng.uniform(0.9, 1.1, 3)
    image = Image.fromarray(np.clip(grey[..., None] * tint, 0, 255).astype(np.uint8))
    thing = Image.open(parts / "foregrounds" / f"{row['foreground']}.webp").convert("RGBA")
    scale = rng.uniform(0.28, 0.50) * SIZE / max(thing.size)
    width, height = (max(1, round(length * scale)) for length in thing.size)
    thing = thing.resize((width, height), Image.Resampling.LANCZOS)
    if rng.random() < 0.5:
        thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    place = int(rng.integers(0, SIZE - width + 1)), int(rng.integers(0, SIZE - height + 1))
    image.paste(thing, place, thing)
    return image


def compose_all(example: Path) -> None:
    """Write ``images/`` and ``metadata.csv`` from ``parts/``."""
    parts = example / "parts"
    rows = plan(sorted(path.stem for path in (parts / "foregrounds").iterdir()))
    for row in rows:
        path = example / "images" / str(row["filename"])
        path.parent.mkdir(parents=True, exist_ok=True)
        compose(row, parts).save(path, quality=JPEG_QUALITY)
    with (example / "images" / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
