"""The edits of a cue in pictures: the cut-out, or a patch from elsewhere, at the same relative place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from neurontune_core.cues.cutout import CutOut, paste

if TYPE_CHECKING:
    from PIL import Image

    from neurontune_core.cues.presence import CueDetector


class PictureEdits:
    """A cue of cut-outs.

    Args:
        cuts: one or more cut-outs of the same cue; each picture gets one of them.
        jitter: share of the cut-out by which its place and size vary from picture to picture.
    """

    def __init__(self, cuts: Sequence[CutOut], jitter: float = 0.0) -> None:
        self._cuts, self._jitter = list(cuts), jitter

    def applies(self, picture: Image.Image) -> bool:
        """Return whether the picture does not hold the cue yet."""
        return not self._detector.holds(picture)

    def with_cue(self, picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        """Return the picture with a cut-out pasted in."""
        return self._pasted(picture, rng, control=False)

    def control(self, picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        """Return the picture with a patch of the same size, from elsewhere in the cut picture, at the same place."""
        return self._pasted(picture, rng, control=True)

    def area(self, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
        """Return a black picture of this size that is white where the cut-out is pasted."""
        from PIL import Image

        cut, shift, factor = self._placed(rng)
        white = np.full_like(cut.pixels, 255)
        return paste(Image.new("RGB", size), cut, white, shift=shift, factor=factor)

    def other_size(self, picture: Image.Image) -> bool:
        """Return whether the picture has another size than those that were pointed at."""
        return all(picture.size != cut.picture.shape[1::-1] for cut in self._cuts)

    def _pasted(self, picture: Image.Image, rng: np.random.Generator, *, control: bool) -> Image.Image:
        cut, shift, factor = self._placed(rng)
        return paste(picture, cut, cut.elsewhere(rng) if control else None, shift=shift, factor=factor)

    def _placed(self, rng: np.random.Generator) -> tuple[CutOut, tuple[float, float], float]:
        """Draw a cut-out, how far it is moved, and the factor of its size."""
        cut = self._cuts[rng.integers(len(self._cuts))]
        right, down, size = rng.uniform(-self._jitter, self._jitter, 3)
        return cut, (right, down), 1 + size

    @cached_property
    def _detector(self) -> CueDetector:
        from neurontune_core.cues.presence import CueDetector

        return CueDetector(self._cuts)
