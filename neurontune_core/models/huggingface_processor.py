"""The image processor in a model's folder, used as it is: what it does to a picture is not imitated but asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neurontune_core.models.huggingface import quiet
from neurontune_core.models.preprocessing import FILTERS, Preprocessing

_SIDES = (231, 317)  # of the picture that tells whether the output is square whatever the picture is
_NAMES = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}  # of PIL's numbers


@dataclass(frozen=True)
class ProcessorPreprocessing(Preprocessing):
    """Preprocessing by a processor of transformers; size, mean and std are what it was seen to do.

    Attributes:
        processor: the processor.
        flipped: whether it gives the channels as BGR.
    """

    processor: Any = field(default=None, repr=False, compare=False)
    flipped: bool = False

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Turn an RGB image into [3, image_size, image_size] float32."""
        return np.ascontiguousarray(_run(self.processor, image), dtype=np.float32)

    def crop(self, image: Image.Image) -> Image.Image:
        """Return the square that the network sees, in RGB, before normalization."""
        values = self(image) * np.array(self.std, np.float32).reshape(3, 1, 1)
        values += np.array(self.mean, np.float32).reshape(3, 1, 1)
        pixels = np.rint(values * 255).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
        return Image.fromarray(pixels[:, :, ::-1] if self.flipped else pixels)

    def normalize(self, image: Image.Image) -> np.ndarray:
        """Normalize an RGB image of the right size to [3, h, w] float32, in the processor's order of channels."""
        if self.flipped:
            image = Image.fromarray(np.asarray(image)[:, :, ::-1])
        return super().normalize(image)

    def described(self) -> dict[str, Any]:
        """Return the settings that this stands for, with the processor's own."""
        own = {key: value for key, value in self.processor.to_dict().items() if isinstance(value, _PLAIN)}
        return self.to_json() | {"processor": type(self.processor).__name__, "processor_settings": own}

    def to_json(self) -> dict[str, Any]:
        """Return the settings that `Preprocessing` takes, which come closest."""
        return self.plain().to_json()

    def plain(self) -> Preprocessing:
        """Return the closest preprocessing without the processor, for settings to be changed in."""
        return Preprocessing(self.image_size, self.resize, self.resize_mode, self.mean, self.std, self.interpolation)

    def changed(self, spec: dict[str, Any]) -> Preprocessing:
        """Return this, or, with settings of a person's own, what comes closest with these in their place."""
        own = spec.get("preprocessing") or spec.get("image_size")
        return self.plain().changed(spec) if own else self


_PLAIN = (str, int, float, bool, list, dict, type(None))


def open_processor(folder: Path, content: Mapping[str, Any], closest: Preprocessing | None) -> ProcessorPreprocessing:
    """Open the processor of a model's folder and find out what it does.

    Args:
        folder: with ``preprocessor_config.json`` and ``config.json``.
        content: of ``preprocessor_config.json``.
        closest: how resizing is best imitated, where that is known.

    Raises:
        ValueError: when it gives no square picture of three channels, or none at all.
    """
    from transformers import AutoImageProcessor

    try:
        with quiet():
            processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            gray = [_run(processor, Image.new("RGB", _SIDES, (level,) * 3)) for level in (0, 255)]
            red = _run(processor, Image.new("RGB", _SIDES[::-1], (255, 0, 0)))
    except Exception as error:  # a foreign configuration may stop it anywhere
        raise ValueError(
            f"its processor does not run: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from None
    side = gray[0].shape[-1]
    if any(picture.shape != (3, side, side) for picture in (*gray, red)):
        raise ValueError(f"its processor gives {list(gray[0].shape)}, no square picture of three channels")
    center = side // 2  # the edges may be padding
    black, white = (picture[:, center, center].astype(np.float64) for picture in gray)
    if not (white - black > 1e-9).all():
        raise ValueError("its processor gives the same for black and white")
    std = 1 / (white - black)
    mean = -black * std
    seen = red[:, center, center] * std + mean
    closest = closest or Preprocessing(side, side, "squash")
    resample = _NAMES.get(content.get("resample") or getattr(processor, "resample", 2) or 2, "bilinear")
    return ProcessorPreprocessing(
        image_size=side,
        resize=max(closest.resize, side),
        resize_mode=closest.resize_mode,
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        interpolation=resample if resample in FILTERS else "bilinear",
        processor=processor,
        flipped=bool(seen[2] > seen[0]),
    )


def _run(processor: Any, image: Image.Image) -> np.ndarray:
    values = processor(images=image, return_tensors="pt")["pixel_values"]
    return np.asarray(values[0].detach().cpu().float().numpy())
