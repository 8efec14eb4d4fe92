"""Composites: a foreground at a random place on a random crop of grass or gravel, split by object and by region."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from recipe.parts import SHAPES

SIZE = 160  # pixels, what the network reads
JPEG_QUALITY = 55
SEED = 0
LABELS, BACKGROUNDS = ("animal", "vehicle"), ("grass", "gravel")  # a class is at home on the background of its index


@dataclass(frozen=True)
class Split:
    """Objects by number, rows of the background photographs, and images of each class at home and away from home."""

    objects: range
    rows: tuple[int, int]
    home: int
    away: int


SPLITS = {
    "train": Split(range(1, 7), (0, 272), 485, 15),  # 3 % counter-examples
    "val": Split(range(7, 9), (272, 392), 90, 90),
    "test": Split(range(9, 11), (392, 512), 75, 75),
}


def plan(foregrounds: list[str]) -> list[dict[str, str | int]]:
    """One row an image. Each group deals its images out to the foregrounds of its class, in a random order of them."""
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, str | int]] = []
    for split, how in SPLITS.items():
        for label, background in np.ndindex(2, 2):
            mine = [name for name in foregrounds if _label(name) == label and _number(name) in how.objects]
            dealt = rng.permutation(mine)
            for image in range(how.home if background == label else how.away):
                name = str(dealt[image % len(dealt)])
                rows.append(
                    {
                        "filename": f"images/{split}/{name}-{BACKGROUNDS[background]}-{image // len(dealt)}.jpg",
                        "y": label,
                        "split": split,
                        "background": background,
                        "label_name": LABELS[label],
                        "background_name": BACKGROUNDS[background],
                        "object": name.split("-")[0],
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
    left, top = int(rng.integers(0, photograph.width - side + 1)), int(rng.integers(first, last - side + 1))
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


def encode(image: Image.Image) -> bytes:
    """The JPEG as it is shipped."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def compose_all(example: Path) -> list[dict[str, str | int]]:
    """Write ``images/`` and ``metadata.csv`` from ``parts/``; files that are right already stay untouched."""
    parts = example / "parts"
    rows = plan(sorted(path.stem for path in (parts / "foregrounds").iterdir()))
    for row in rows:
        path, content = example / str(row["filename"]), encode(compose(row, parts))
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    wanted = {example / str(row["filename"]) for row in rows}
    for path in (example / "images").rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    with (example / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def _label(foreground: str) -> int:
    return SHAPES[re.sub(r"\d+-.*", "", foreground)]


def _number(foreground: str) -> int:
    return int(re.sub(r"^\D+|-.*", "", foreground))
