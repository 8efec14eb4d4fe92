"""Images to look at: a sample as the network sees it, and a heatmap to lay over it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from neurontune_core.models.preprocessing import Preprocessing

# matplotlib's maps at nine even steps: dark to light in even steps of perceived lightness. RGB.
COLOR_MAPS = {
    "inferno": (
        (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
        (249, 201, 50), (252, 255, 164),
    ),
    "viridis": (
        (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99),
        (170, 220, 50), (253, 231, 37),
    ),
    "gray": ((0, 0, 0), (255, 255, 255)),
}  # fmt: skip
_OPAQUE_FROM = 0.5  # of the maximum; below, the overlay fades out, so that the image shows where the neuron is silent
MAX_SIDE = 1024  # pixels; thumbnails and overlays are never larger


def overlay_png(
    heatmap: np.ndarray, maximum: float, size: int, *, opacity: float = 1.0, colors: str = "inferno"
) -> bytes:
    """Return a transparent PNG [size, size] of one heatmap.

    Args:
        heatmap: [h, w], at least 0.
        maximum: the value of full color. Give the largest value among all images of a neuron, so that they can be
            compared; a map of zeros is fully transparent.
        size: side in pixels, up to `MAX_SIDE`.
        opacity: of full color, 0..1.
        colors: a key of `COLOR_MAPS`.

    >>> png = overlay_png(np.array([[0.0, 2.0]], dtype=np.float32), maximum=2.0, size=2)
    >>> image = Image.open(io.BytesIO(png))
    >>> image.size, image.getchannel("A").getpixel((1, 0)) > image.getchannel("A").getpixel((0, 0))
    ((2, 2), True)
    """
    table = np.array(COLOR_MAPS[colors], dtype=np.float32)
    side = min(max(int(size), 1), MAX_SIDE)
    strength = _upsampled(np.clip(heatmap / maximum, 0, 1) if maximum > 0 else np.zeros_like(heatmap), side)
    steps = np.linspace(0, 1, len(table))
    pixels = np.empty((side, side, 4), dtype=np.uint8)
    for channel in range(3):
        pixels[..., channel] = np.interp(strength, steps, table[:, channel])
    pixels[..., 3] = np.round(255 * opacity * np.minimum(strength / _OPAQUE_FROM, 1))
    return _encoded(Image.fromarray(pixels), "PNG", optimize=False, compress_level=3)


def thumbnail_jpeg(image: Image.Image, preprocessing: Preprocessing | None, size: int, *, quality: int = 85) -> bytes:
    """Return a JPEG [size, size] of the crop that the network sees; overlays of the same size align with it.

    Args:
        image: an opened image; EXIF orientation is respected.
        preprocessing: of the model; None gives the center square.
        size: side in pixels, up to `MAX_SIDE`.
        quality: of the JPEG.

    >>> Image.open(io.BytesIO(thumbnail_jpeg(Image.new("RGB", (40, 30)), None, 16))).size
    (16, 16)
    """
    side = min(max(int(size), 1), MAX_SIDE)
    upright = ImageOps.exif_transpose(image).convert("RGB")
    if preprocessing is None:
        square = ImageOps.fit(upright, (side, side))
    else:
        square = preprocessing.crop(upright).resize((side, side), Image.Resampling.BICUBIC)
    return _encoded(square, "JPEG", quality=quality)


def whole_jpeg(image: Image.Image, side: int, *, quality: int = 88) -> bytes:
    """Return a JPEG of a whole picture, its longer side at most ``side`` pixels.

    >>> Image.open(io.BytesIO(whole_jpeg(Image.new("RGB", (400, 300)), 200))).size
    (200, 150)
    """
    upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((min(side, MAX_SIDE),) * 2, Image.Resampling.BICUBIC)
    return _encoded(upright, "JPEG", quality=quality)


def _upsampled(values: np.ndarray, side: int) -> np.ndarray:
    """Resize [h, w] in 0..1 -> [side, side] in 0..1, bicubic, without ringing below 0 or above 1."""
    image = Image.fromarray(np.asarray(values, dtype=np.float32))
    return np.clip(np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)), 0, 1)


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
