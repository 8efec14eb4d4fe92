"""What a new user brings: a folder of pictures, and a checkpoint that has learnt their backgrounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from neurontune_core.datasets import open_dataset
from neurontune_core.models import load_model
from tests.support import image_layouts

SIDE = 32
SPEC = {"family": "cifar_resnet", "architecture": "resnet20", "weights": "random", "num_classes": 2}


def own_model(folder: Path) -> tuple[Path, Path]:
    """Return images by split and class, and a checkpoint: a random network with a head fitted to the training images,
    most of which show their class before one background. Its names have the prefix that DataParallel leaves."""
    data = image_layouts.split_folders(folder / "my pictures")
    dataset = open_dataset({"format": "image_folder"}, data)
    model = load_model(SPEC, folder)
    rows = dataset.rows("train")
    batch = model.batch([model.prepare(dataset.open_source(source)) for source in rows["source"]])
    vectors = model.embed(batch).numpy()
    fitted = LogisticRegression(max_iter=2000).fit(vectors, rows["label"])
    weight = np.concatenate([-fitted.coef_, fitted.coef_]) / 2
    bias = np.concatenate([-fitted.intercept_, fitted.intercept_]) / 2
    state = model.module.state_dict() | {
        "linear.weight": torch.tensor(weight, dtype=torch.float32),
        "linear.bias": torch.tensor(bias, dtype=torch.float32),
    }
    file = folder / "model.pth"
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}, "epoch": 7}, file)
    return data, file
