"""How long 24 heatmaps take: ResNet-50 with random weights at 224 pixels on the processor, photographs of 500 × 375.

In groups of four, as the wall of the Neurons screen asks for them, from the picture's file to the PNG: until the first
group is there, until all are, all of another neuron of the same pictures, and all of them again by a new process.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from neurontune_core.explain.disk_cache import DiskCache
from neurontune_core.explain.neuron_maps import NeuronMaps
from neurontune_core.explain.overlay import overlay_png
from neurontune_core.models import load_model

PICTURES, GROUP, SIDE = 24, 4, 192


def write_pictures(folder: Path) -> None:
    """Write smooth noise: JPEGs of an ordinary size."""
    rng = np.random.default_rng(0)
    for row in range(PICTURES):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        coarse.resize((500, 375), Image.Resampling.BICUBIC).save(folder / f"{row}.jpg")


def seconds(maps: NeuronMaps, neuron: int) -> tuple[float, float]:
    """Return the seconds until the first group is drawn, and until all are."""
    began, first = time.perf_counter(), 0.0
    for start in range(0, PICTURES, GROUP):
        drawn = maps.maps("val", range(start, start + GROUP), neuron)
        for values in drawn.values():
            overlay_png(values, float(values.max()), SIDE)
        first = first or time.perf_counter() - began
    return first, time.perf_counter() - began


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    write_pictures(folder)
    model = load_model(
        {"family": "torchvision", "architecture": "resnet50", "weights": "random", "num_classes": 2}, folder
    )

    def fresh() -> NeuronMaps:
        return NeuronMaps(
            lambda: model,
            lambda split, row: Image.open(folder / f"{row}.jpg"),
            DiskCache(folder / "cache"),
            lambda split: "version",
        )

    with torch.inference_mode():
        model.channel_maps(torch.zeros(1, 3, 224, 224))  # the first pass of a network is slower
    maps = fresh()
    for what, source, neuron in (("new", maps, 7), ("another neuron", maps, 8), ("from the disk", fresh(), 7)):
        first, everything = seconds(source, neuron)
        print(f"{what:15s} first {GROUP} {first:6.2f} s, all {PICTURES} {everything:6.2f} s")


if __name__ == "__main__":
    main()
