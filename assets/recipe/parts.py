"""The parts: 250 cut-out foregrounds and two background photographs, cut once from their originals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

LONGEST_SIDE = 96  # pixels; composites show them at 45 to 80
ANIMAL, VEHICLE = 0, 1
SHAPES = {
    "bear": ANIMAL, "bird": ANIMAL, "cat": ANIMAL, "dog": ANIMAL, "elephant": ANIMAL,
    "airplane": VEHICLE, "bicycle": VEHICLE, "boat": VEHICLE, "car": VEHICLE, "truck": VEHICLE,
}  # fmt: skip


def cut(cue_conflict: Path, parts: Path) -> None:
    """Cut the foregrounds whose shape and texture are of the same kind out of the cue-conflict images.

    Args:
        cue_conflict: a folder with ``images/`` and ``silhouettes/<shape>/`` (Geirhos et al., ICLR 2019; CC BY 4.0).
        parts: where ``foregrounds/`` and ``backgrounds/`` are written.
    """
    foregrounds, backgrounds = parts / "foregrounds", parts / "backgrounds"
    foregrounds.mkdir(parents=True, exist_ok=True)
    backgrounds.mkdir(parents=True, exist_ok=True)
    for path in sorted((cue_conflict / "images").iterdir()):
        shape, texture = (re.sub(r"\d+$", "", half) for half in path.stem.split("-"))
        if shape not in SHAPES or SHAPES.get(texture) != SHAPES[shape]:
            continue
        image = Image.open(path).convert("RGB")
        outline = cue_conflict / "silhouettes" / shape / f"{path.stem.split('-')[0]}.png"
        alpha = Image.fromarray(255 - np.asarray(Image.open(outline).convert("L").resize(image.size)))
        image.putalpha(alpha)
        box = alpha.point(lambda value: 255 * (value > 127)).getbbox()
        image = image.crop(box)
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        image.save(foregrounds / f"{path.stem}.webp", quality=90, method=6)
    import skimage

    for name in ("grass", "gravel"):
        photograph = Image.open(Path(skimage.__file__).parent / "data" / f"{name}.png").convert("L")
        photograph.save(backgrounds / f"{name}.webp", quality=92, method=6)
