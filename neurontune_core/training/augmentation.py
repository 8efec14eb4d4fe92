"""How training images are varied: a random resized crop and a flip (Szegedy et al., 2015), by torchvision."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from neurontune_core.models.preprocessing import Preprocessing
from neurontune_core.training.config import TrainConfig
from neurontune_core.training.seeds import derived


class Augmentation:
    """The random transformation of images in one epoch: the same for the same seed, epoch and row, in any process.

    Args:
        preprocessing: sets size, interpolation, mean and std; without a random crop, also resize and center crop.
        config: ``augment``, ``crop_scale``, ``crop_ratio`` and ``seed``.
        epoch: from 1.
    """

    def __init__(self, preprocessing: Preprocessing, config: TrainConfig, epoch: int) -> None:
        from torchvision.transforms import InterpolationMode, v2

        self._preprocessing, self._seed, self._epoch = preprocessing, config.seed, epoch
        self._crop: Any = None
        if config.augment == "crop":
            self._crop = v2.RandomResizedCrop(
                preprocessing.image_size,
                scale=(config.crop_scale, 1.0),
                ratio=(1 / config.crop_ratio, config.crop_ratio),
                interpolation=InterpolationMode(preprocessing.interpolation),
            )
        self._flip: Any = None if config.augment == "none" else v2.RandomHorizontalFlip()

    def __call__(self, row: int, image: Image.Image) -> np.ndarray:
        """Transform an RGB image to [3, image_size, image_size] float32."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derived(self._seed, self._epoch, row))
            image = self._preprocessing.crop(image) if self._crop is None else self._crop(image)
            return self._preprocessing.normalize(image if self._flip is None else self._flip(image))
