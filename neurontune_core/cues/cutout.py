"""Cut a cue out of a picture and paste it into others at the same relative place, with a feathered edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.cues.cue import Box, Pointed
from neurontune_core.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

    from neurontune_core.models.preprocessing import Preprocessing

_FEATHER = 0.08  # of the shorter side of the cut-out: how far the edge fades
_LEAST_SIDE = 3  # pixels of a cut-out
_LEAST_SEEN = 0.5  # share of the box that the network must see


@dataclass(frozen=True, eq=False)
class CutOut:
    """What was cut out of one picture.

    Attributes:
        picture: [H, W, 3] uint8, the whole upright picture.
        box: of the cut-out.
        opacity: [h, w] float32 in 0..1, the feathered edge and the brush.
    """

    picture: np.ndarray
    box: Box
    opacity: np.ndarray

    @property
    def pixels(self) -> np.ndarray:
        """Return [h, w, 3] uint8, what the box holds."""
        left, top, right, bottom = self.box.pixels(self.picture.shape[1], self.picture.shape[0])
        return self.picture[top:bottom, left:right]

    @property
    def center(self) -> tuple[float, float]:
        """Return the center of the pixels that were cut out, in fractions of the picture."""
        left, top, right, bottom = self.box.pixels(self.picture.shape[1], self.picture.shape[0])
        return (left + right) / 2 / self.picture.shape[1], (top + bottom) / 2 / self.picture.shape[0]

    def scale_in(self, picture: Image.Image) -> float:
        """Return the factor of the cut-out's size in another picture: by the shorter sides."""
        return min(picture.size) / min(self.picture.shape[:2])

    def elsewhere(self, rng: np.random.Generator) -> np.ndarray:
        """Return [h, w, 3] uint8, a patch of the same size from the same picture that does not overlap the box."""
        height, width = self.opacity.shape
        left, top, right, bottom = self.box.pixels(self.picture.shape[1], self.picture.shape[0])
        tops = np.arange(self.picture.shape[0] - height + 1)[:, None]
        lefts = np.arange(self.picture.shape[1] - width + 1)
        apart = (tops + height <= top) | (tops >= bottom) | (lefts + width <= left) | (lefts >= right)
        places = np.argwhere(apart)
        y, x = places[rng.integers(len(places))]
        return self.picture[y : y + height, x : x + width]


def cut_out(picture: Image.Image, pointed: Pointed, preprocessing: Preprocessing | None = None) -> CutOut:
    """Cut the cue out of an upright RGB picture.

    Args:
        picture: the picture pointed at.
        pointed: where.
        preprocessing: of the network, to check that it sees the cue.

    Raises:
        InputError: when the box is too small, leaves no room for a control, or lies where the network does not look.
    """
    pixels = np.asarray(picture.convert("RGB"))
    left, top, right, bottom = pointed.box.pixels(picture.width, picture.height)
    width, height = right - left, bottom - top
    if min(width, height) < _LEAST_SIDE:
        raise InputError(f"The box is {width} x {height} pixels, too small to hold a cue; draw a larger one.")
    if max(left, picture.width - right) < width and max(top, picture.height - bottom) < height:
        raise InputError(
            "The box is so large that no patch of its size fits beside it to compare with; draw it closer to the cue."
        )
    if preprocessing is not None and _seen(pointed.box, preprocessing, picture.size) < _LEAST_SEEN:
        raise InputError("The network sees only the middle of the picture, and the box lies outside; draw it there.")
    opacity = feathered(width, height)
    if pointed.discs:
        opacity = opacity * _brush(pointed, picture.size)
    return CutOut(pixels, pointed.box, opacity.astype(np.float32))


def paste(
    picture: Image.Image,
    cut: CutOut,
    patch: np.ndarray | None = None,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    factor: float = 1.0,
) -> Image.Image:
    """Return a copy of a picture with a cut-out, or another patch of its size, at the same relative place.

    Args:
        picture: RGB; of another size than the picture that was cut, the patch is scaled with the shorter side.
        cut: the cut-out, which gives place and opacity.
        patch: [h, w, 3] uint8; the cut-out's own pixels when left out.
        shift: right and down, in fractions of the patch.
        factor: of the size of the patch.
    """
    from PIL import Image

    patch, opacity = cut.pixels if patch is None else patch, cut.opacity
    height, width = opacity.shape
    factor *= cut.scale_in(picture)
    size = max(1, min(round(width * factor), picture.width)), max(1, min(round(height * factor), picture.height))
    if size != (width, height):
        patch = np.asarray(Image.fromarray(patch).resize(size, Image.Resampling.BICUBIC))
        opacity = np.asarray(Image.fromarray(opacity).resize(size, Image.Resampling.BILINEAR))
    left, top = (
        int(np.clip(round(center * side + moved * length - length / 2), 0, side - length))
        for center, side, moved, length in zip(cut.center, picture.size, shift, size, strict=True)
    )
    pixels = np.array(picture)
    under = pixels[top : top + size[1], left : left + size[0]].astype(np.float32)
    mixed = under + opacity[..., None] * (patch - under)
    pixels[top : top + size[1], left : left + size[0]] = np.clip(np.rint(mixed), 0, 255)
    return Image.fromarray(pixels)


def feathered(width: int, height: int) -> np.ndarray:
    """Return [height, width] in 0..1: 1 inside, falling towards the edges over 8 % of the shorter side.

    >>> feathered(4, 3).round(2).tolist()
    [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    >>> feathered(50, 50)[25, :6].round(2).tolist()
    [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    """
    fade = round(_FEATHER * min(width, height))
    across, down = (
        np.minimum(1, (np.minimum(np.arange(side), np.arange(side)[::-1]) + 1) / (fade + 1)) for side in (width, height)
    )
    return np.asarray(down[:, None] * across)


def rgba_png(cut: CutOut) -> bytes:
    """Return the cut-out as a PNG with its opacity."""
    import io

    from PIL import Image

    alpha = np.rint(255 * cut.opacity).astype(np.uint8)[..., None]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([cut.pixels, alpha], axis=2)).save(buffer, "PNG")
    return buffer.getvalue()


def _brush(pointed: Pointed, size: tuple[int, int]) -> np.ndarray:
    """Return [h, w] in 0..1, where the brush passed in the box; its edge fades over two pixels."""
    left, top, right, bottom = pointed.box.pixels(*size)
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    covered = np.zeros((bottom - top, right - left))
    for center_x, center_y, radius in pointed.discs:
        distance = np.hypot(x - center_x * size[0], y - center_y * size[1])
        covered = np.maximum(covered, np.clip((radius * min(size) - distance) / 2 + 0.5, 0, 1))
    return covered


def _seen(box: Box, preprocessing: Preprocessing, size: tuple[int, int]) -> float:
    """Return the share of a box that the network sees in a picture of this size."""
    width, height = size
    short = min(size)
    square = preprocessing.resize_mode == "squash"
    resized = [preprocessing.resize if square else preprocessing.resize * side / short for side in (width, height)]
    share = 1.0
    for side, start, length in zip(resized, (box.x, box.y), (box.width, box.height), strict=True):
        margin = max(0.0, (side - preprocessing.image_size) / 2 / side)
        share *= max(0.0, min(start + length, 1 - margin) - max(start, margin)) / length
    return share
