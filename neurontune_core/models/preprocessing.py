"""Preprocessing: how an image becomes a network's input. Needs no torch, so that thumbnails do not wait for it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from neurontune_core.errors import InputError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input: resize, center crop, ``(x - mean) / std``.

    Attributes:
        image_size: side of the square that the network sees, in pixels.
        resize: side that the image is resized to before the crop, in pixels; at least ``image_size``.
        resize_mode: ``"short_side"`` keeps the proportions (torchvision's ``Resize(256)``), ``"squash"`` makes a
            square of the whole image (``Resize((256, 256))``, as the Waterbirds recipe does).
        mean, std: per RGB channel, for pixel values in 0..1.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"`` or ``"lanczos"``.

    Raises:
        InputError: when a value is outside its range.
    """

    image_size: int = 224
    resize: int = 256
    resize_mode: Literal["short_side", "squash"] = "short_side"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if not 0 < self.image_size <= self.resize:
            raise InputError(
                f"Expected 0 < image_size <= resize, but got image_size {self.image_size} and resize {self.resize}."
            )
        if self.resize_mode not in ("short_side", "squash"):
            raise InputError(f'resize_mode has the value "{self.resize_mode}"; use "short_side" or "squash".')
        if self.interpolation not in FILTERS:
            raise InputError(f'interpolation has the value "{self.interpolation}"; use one of {", ".join(FILTERS)}.')
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != 3 or (name == "std" and min(values) <= 0):
                raise InputError(
                    f"Expected three {name} values, one per color channel (std above 0), but got {values!r}."
                )
            object.__setattr__(self, name, tuple(float(value) for value in values))

    def changed(self, spec: dict[str, Any]) -> Preprocessing:
        """Return these settings with the ``image_size`` and the ``preprocessing`` of a model spec in their place.

        A new image size alone keeps the ratio of resize to crop.

        Raises:
            InputError: when the spec has an unknown setting, or a value out of range.

        >>> Preprocessing(image_size=224, resize=256).changed({"image_size": 112}).resize
        128
        """
        settings = dict(spec.get("preprocessing") or {})
        if spec.get("image_size"):
            settings.setdefault("image_size", spec["image_size"])
        unknown = set(settings) - {field.name for field in dataclasses.fields(self)}
        if unknown:
            raise InputError(
                f'The preprocessing setting "{min(unknown)}" is not known; known are {", ".join(self.to_json())}.'
            )
        if "image_size" in settings and "resize" not in settings:
            settings["resize"] = round(settings["image_size"] * self.resize / self.image_size)
        return dataclasses.replace(self, **settings)

    def described(self) -> dict[str, Any]:
        """Return the settings, for a person to read and for an extraction to tell whether they changed."""
        return self.to_json()

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    def crop(self, image: Image.Image) -> Image.Image:
        """Crop an RGB image to the [image_size, image_size] that the network sees, before normalization.

        >>> from PIL import Image
        >>> Preprocessing(image_size=224, resize=256).crop(Image.new("RGB", (640, 480))).size
        (224, 224)
        """
        width, height = image.size
        if self.resize_mode == "squash":
            size = (self.resize, self.resize)
        elif width <= height:
            size = (self.resize, int(self.resize * height / width))
        else:
            size = (int(self.resize * width / height), self.resize)
        if size != image.size:
            image = image.resize(size, FILTERS[self.interpolation])
        left, top = (round((side - self.image_size) / 2) for side in size)  # torchvision's CenterCrop
        return image.crop((left, top, left + self.image_size, top + self.image_size))

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Turn an RGB image into [3, image_size, image_size] float32."""
        return self.normalize(self.crop(image))

    def normalize(self, image: Image.Image) -> np.ndarray:
        """Normalize an RGB image of the right size to [3, h, w] float32.

        >>> from PIL import Image
        >>> plain = Preprocessing(image_size=1, resize=1, mean=(0.5,) * 3, std=(0.5,) * 3)
        >>> plain.normalize(Image.new("RGB", (1, 1), "white")).ravel().tolist()
        [1.0, 1.0, 1.0]
        """
        pixels = np.asarray(image, dtype=np.float32) / np.float32(255)
        normalized = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normalized.transpose(2, 0, 1))
