"""A small photo archive as TensorFlow's flower_photos is laid out, and a network that learns from it in a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from neurontune_core.examples import flowers
from neurontune_core.examples.flowers_images import Composition, plan
from tests.support.tiny_training import IMAGE_MODEL

EACH = 8  # photographs of each flower in each split, so that both tags occur in training


def small_plan() -> list[Composition]:
    """Return a few rows of the real plan of every split and flower, with and without the tag."""
    chosen: list[Composition] = []
    for split in ("train", "val", "test"):
        for flower in ("rose", "tulip"):
            mine = [row for row in plan() if (row.split, row.flower) == (split, flower)]
            against = (flower == "rose",)  # tags of the training images that contradict the shortcut
            rare = [row for row in mine if row.tags == against][:1]
            chosen += [row for row in mine if row.tags != against][: EACH - len(rare)] + rare
    return chosen


def small_archive(parent: Path, rows: list[Composition]) -> Path:
    """Write ``flower_photos`` with generated photographs, 60 x 40: roses are red on top, tulips at the bottom."""
    root = parent / "flower_photos"
    lines = ["All images in this archive are licensed under a license.", ""]
    rng = np.random.default_rng(0)
    for number, (flower, name) in enumerate(dict.fromkeys((row.flower, row.photograph) for row in rows)):
        pixels = rng.integers(0, 90, (40, 60, 3)).astype(np.uint8)
        pixels[slice(0, 20) if flower == "rose" else slice(20, 40), :, 0] += 160
        path = root / f"{flower}s" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=95)
        page = f"https://photos.example/{number}/"
        by = f"by Ann No. {number} - {page}" if number % 2 else f"{page} - by Ann No. {number}"
        lines.append(f"{flower}s/{name} CC-BY {by}")
    (root / "LICENSE.txt").write_text("\n".join(lines), encoding="utf-8")
    return root


def use_small_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose a few images, and train a tiny network on them in the place of the real one."""
    monkeypatch.setattr(flowers, "plan", small_plan)
    monkeypatch.setattr(flowers, "MODEL", IMAGE_MODEL)
    monkeypatch.setattr(flowers, "FROZEN", ("conv1", "bn1", "layer1"))


def archive_of(data: Path, parent: Path) -> Path:
    """Lay the real photographs out as the archive has them."""
    root = parent / "flower_photos"
    for row in pd.read_csv(data / "photographs.csv").itertuples():
        path = root / f"{row.flower}s" / str(row.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(data / "photographs" / str(row.file))
    shutil.copyfile(data / "LICENSE-flower_photos.txt", root / "LICENSE.txt")
    return root
