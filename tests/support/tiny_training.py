"""Data that a tiny network learns in seconds: bars that lie or stand, and texts with a word that decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from neurontune_core.datasets import Dataset, guess_dataset, open_dataset
from neurontune_core.training.config import TrainConfig
from tests.support.layouts import picture
from tests.support.tiny_huggingface import text_folder

IMAGE_MODEL = {"family": "cifar_resnet", "architecture": "resnet20", "weights": "random", "image_size": 24}
QUICK = TrainConfig(epochs=4, batch_size=8, learning_rate=0.02, augment="flip")


def bars(root: Path, splits: tuple[str, ...] = ("train", "val"), each: int = 8) -> Dataset:
    """Write ``split/class/n.png``; "" is a folder without splits. Two backgrounds bear no relation to the class."""
    for split in splits:
        for number in range(2 * each):
            picture(root / split / ("lies", "stands")[number % 2] / f"{number}.png", number % 2, number // 2)
    return open_dataset(guess_dataset(root).spec, root)


def verdicts(root: Path, each: int = 8) -> Dataset:
    """Write reviews in which "great" or "awful" decides, and the other words do not."""
    root.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "text": f"the {('film', 'movie', 'text')[number % 3]} was {('awful', 'great')[number % 2]} and of {number}",
            "label": ("bad", "good")[number % 2],
            "split": split,
        }
        for split in ("train", "val")
        for number in range(2 * each)
    ]
    pd.DataFrame(rows).to_csv(root / "reviews.csv", index=False)
    return open_dataset(guess_dataset(root).spec, root)


def text_model(root: Path, kind: str = "bert", cls: str = "AutoModel", **options: Any) -> dict[str, Any]:
    return {"family": "huggingface_text", "weights": str(text_folder(root / kind, kind, cls=cls, **options))}
