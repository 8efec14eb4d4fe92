"""Does a picture hold the cut-out already, wherever it stands? By normalized cross-correlation; no label is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

    from neurontune_core.cues.cutout import CutOut

ALIKE = 0.55  # correlation of a part of a picture with the cut-out from which on the picture holds it
_SIDE = 160  # pixels of the longer side at which they are compared
_LEAST_SIDE = 6  # pixels of a cut-out that can be recognized
_SIZES = (0.9, 1.0, 1.1)  # of the cut-out in which it is searched for
_FLAT = 1e-3  # variance below which a patch has nothing to recognize


class CueDetector:
    """The largest correlation of cut-outs with any part of a picture, in color.

    Args:
        cuts: the cut-outs.
    """

    def __init__(self, cuts: list[CutOut]) -> None:
        self._cuts = cuts
        self._templates: dict[tuple[int, float, tuple[int, int]], _Template | None] = {}

    def likeness(self, picture: Image.Image) -> float:
        """Return the correlation in -1..1; 0 where the cut-out is too small or too plain to be recognized."""
        shrink = min(1.0, _SIDE / max(picture.size))
        size = max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink))
        pixels = np.asarray(picture if size == picture.size else picture.resize(size), dtype=np.float32) / 255
        spectra = np.fft.rfft2(pixels, axes=(0, 1))
        sums = _running_sums(pixels)
        templates = (
            self._template(place, round(factor * shrink * cut.scale_in(picture), 4), pixels.shape[:2])
            for place, cut in enumerate(self._cuts)
            for factor in _SIZES
        )
        return max((template.correlation(spectra, sums) for template in templates if template is not None), default=0.0)

    def holds(self, picture: Image.Image) -> bool:
        """Return whether the picture holds the cue already."""
        return self.likeness(picture) >= ALIKE

    def _template(self, place: int, scale: float, shape: tuple[int, int]) -> _Template | None:
        from PIL import Image

        key = place, scale, shape
        if key not in self._templates:
            patch = Image.fromarray(self._cuts[place].pixels)
            size = max(1, round(patch.width * scale)), max(1, round(patch.height * scale))
            pixels = np.asarray(patch if size == patch.size else patch.resize(size), dtype=np.float32) / 255
            centered = pixels - pixels.mean(axis=(0, 1))
            fits = min(size) >= _LEAST_SIDE and size[1] <= shape[0] and size[0] <= shape[1]
            plain = np.square(centered).mean() < _FLAT
            self._templates[key] = _Template(centered, shape) if fits and not plain else None
        return self._templates[key]


class _Template:
    """A patch [h, w, 3] without its mean color, prepared for pictures of one size."""

    def __init__(self, centered: np.ndarray, shape: tuple[int, int]) -> None:
        self._size, self._shape = centered.shape[:2], shape
        self._norm = float(np.square(centered).sum())
        self._spectra = np.conj(np.fft.rfft2(centered, shape, axes=(0, 1)))

    def correlation(self, spectra: np.ndarray, sums: np.ndarray) -> float:
        """Return the largest normalized cross-correlation with the windows of a picture.

        Args:
            spectra: of the picture's three colors.
            sums: as `_running_sums` makes them.
        """
        (height, width), (rows, columns) = self._size, self._shape
        product = np.fft.irfft2((spectra * self._spectra).sum(axis=2), self._shape)
        inside = product[: rows - height + 1, : columns - width + 1]  # windows that do not wrap around
        window = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
        count = height * width
        variance = window[..., 3] - np.square(window[..., :3]).sum(axis=2) / count
        return float((inside / np.sqrt(np.maximum(variance, 3 * _FLAT * count) * self._norm)).max())


def _running_sums(pixels: np.ndarray) -> np.ndarray:
    """Return [H + 1, W + 1, 4]: sums over all pixels above and left, of the three colors and of all their squares."""
    values = np.concatenate([pixels, np.square(pixels).sum(axis=2, keepdims=True)], axis=2).astype(np.float64)
    sums = np.zeros((pixels.shape[0] + 1, pixels.shape[1] + 1, 4))
    sums[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    return sums
