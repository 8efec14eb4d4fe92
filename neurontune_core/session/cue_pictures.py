"""Samples of a measured cue to show: as they are, with the cue, and with the control."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from neurontune_core.cues.cue import Words
from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.cues.pairs import placing
from neurontune_core.explain.overlay import thumbnail_jpeg
from neurontune_core.session.cue_work import edits_of
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import SIDE, Gallery

Version = Literal["without", "cue", "control"]
_PICTURES = 8  # whose heatmaps are averaged


class CuePictures:
    """The samples that a cue was measured by, edited again as they were then.

    Args:
        diagnosis, gallery: the project.
        measured: the cue, measured.
    """

    def __init__(self, diagnosis: Diagnosis, gallery: Gallery, measured: CueMeasurement) -> None:
        self._diagnosis, self._gallery, self._measured = diagnosis, gallery, measured
        self.jpeg = lru_cache(512)(self._jpeg)
        self.texts = lru_cache(512)(self._texts)

    def _jpeg(self, place: int, version: Version, side: int = SIDE) -> bytes:
        """Return a JPEG of the part of a picture that the network sees.

        Args:
            place: of the pair, 0..P-1.
            version: as it is, with the cue, or with the control.
            side: of the JPEG, in pixels.

        Raises:
            InputError: when the picture cannot be read.
        """
        return thumbnail_jpeg(self._sample(place, version), self._gallery.network.preprocessing, side)

    def _texts(self, place: int) -> Mapping[str, tuple[str, ...]]:
        """Return version -> the text of a pair, or both texts where samples are pairs of texts."""
        versions: tuple[Version, ...] = ("without", "cue", "control")
        made = {version: self._sample(place, version) for version in versions}
        return {version: (text,) if isinstance(text, str) else tuple(text) for version, text in made.items()}

    def heat_shares(self) -> np.ndarray | None:
        """Return [M], the mean share of a neuron's heatmap that lies on the cut-out; None without maps of all neurons.

        It is measured on a few pictures with the cue.
        """
        if self._measured.edited is None or isinstance(self._measured.cue.definition, Words):
            return None
        network = self._gallery.network
        places = np.unique(np.linspace(0, self._measured.num_pairs - 1, _PICTURES).astype(np.int64)).tolist()
        pictures = [self._sample(place, "cue") for place in places]
        maps = network.channel_maps(network.batch([network.prepare(each) for each in pictures]))
        if maps is None:
            return None
        heat = np.maximum(maps.float().cpu().numpy(), 0)
        shares = np.zeros(heat.shape[1])
        for picture, each, place in zip(pictures, heat, places, strict=True):
            weight = self._on_cut_out(place, picture, each.shape[1:])
            total = each.sum(axis=(1, 2))
            shares += np.divide((each * weight).sum(axis=(1, 2)), total, out=np.zeros_like(total), where=total > 0)
        return shares / len(places)

    def _on_cut_out(self, place: int, picture: Any, shape: tuple[int, int]) -> np.ndarray:
        """Return [h, w] in 0..1, how much of each cell of a heatmap lies on the pasted cut-out."""
        from PIL import Image

        covered = self._edits.area(picture.size, placing(self._measured.cue, int(self._measured.rows[place])))
        seen = self._gallery.network.preprocessing.crop(covered).resize(shape[::-1], Image.Resampling.BOX)
        return np.asarray(seen.convert("L"), dtype=np.float32) / 255

    def _sample(self, place: int, version: Version) -> Any:
        row, samples = int(self._measured.rows[place]), self._measured.samples
        assert samples.sources is not None
        sample = self._gallery.dataset.open_sample(str(samples.sources[row]))
        if version == "without":
            return sample
        edit = self._edits.with_cue if version == "cue" else self._edits.control
        return edit(sample, placing(self._measured.cue, row))

    @cached_property
    def _edits(self) -> Any:
        return edits_of(self._diagnosis, self._gallery, self._measured.cue)
