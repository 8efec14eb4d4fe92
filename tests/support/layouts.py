"""What the small datasets of `image_layouts` and `text_layouts` share: their samples, an image, a table.

Classes and cues are as skewed as in the real sets: most training samples have the cue of their class.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

SPLITS = ("train", "val", "test")
# (label, cue, split code) of 32 samples: training is skewed, the others are even.
PLAN = [
    *[(label, cue, 0) for label, cue, count in ((0, 0, 7), (0, 1, 1), (1, 0, 1), (1, 1, 7)) for _ in range(count)],
    *[(label, cue, split) for split in (1, 2) for label in (0, 1) for cue in (0, 1) for _ in range(2)],
]
_SIDE = 24


def picture(path: Path | BytesIO, label: int = 0, cue: int = 0) -> None:
    """Draw a square whose color is the cue, on which a bright bar lies (label 0) or stands (label 1)."""
    image = Image.new("RGB", (_SIDE, _SIDE), ((20, 90, 20), (20, 40, 140))[cue % 2])
    third = _SIDE // 3
    image.paste(
        (250, 240, 200 - 20 * label), (0, third, _SIDE, 2 * third) if label % 2 == 0 else (third, 0, 2 * third, _SIDE)
    )
    if isinstance(path, Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    else:
        image.save(path, format="PNG")


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path, index=False)
    else:
        pd.DataFrame(rows).to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path
