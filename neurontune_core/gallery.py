"""Pictures of a project's samples and heatmaps over them, or texts and their words; made on demand, kept in memory."""

from __future__ import annotations

import threading
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.explain.overlay import COLOUR_MAPS, overlay_png, thumbnail_jpeg
from neurontune_core.workspace import Project

SIDE = 192  # pixels of a thumbnail
_SCALE_PICTURES = 4  # a neuron's full colour is its strongest map on this many of its top samples
_KEPT_MAPS = 512


class Gallery:
    """Thumbnails and heatmaps by split and row. The network is loaded at the first heatmap.

    Raises:
        InputError: from every method, when the project has no pictures, or one cannot be read.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._sets: dict[str, EmbeddingSet] = {}
        self.thumbnail = lru_cache(4096)(self._thumbnail)
        self.heatmap = lru_cache(4096)(self._heatmap)
        self.words = lru_cache(4096)(self._words)
        self._all_maps = lru_cache(_KEPT_MAPS)(self._compute_all_maps)
        self._one_map = lru_cache(_KEPT_MAPS)(self._compute_one_map)
        self._scale = lru_cache(4096)(self._compute_scale)

    @property
    def has_pictures(self) -> bool:
        return bool(self._project.content.get("dataset")) and self._modality == "image"

    @property
    def has_texts(self) -> bool:
        return bool(self._project.content.get("dataset")) and self._modality != "image"

    @property
    def has_model(self) -> bool:
        return bool(self._project.content.get("model"))

    @property
    def _modality(self) -> str:
        return str(self._project.content.get("modality", "image"))

    def texts(self, split: str, row: int) -> tuple[str, ...]:
        """The text of a sample, or both texts of a pair."""
        if not self.has_texts:
            raise InputError("The samples of this project are no texts.")
        found = self._dataset.open_sample(self._source(split, row))
        return (found,) if isinstance(found, str) else tuple(found)

    def described(self, split: str, row: int) -> tuple[str, ...]:
        """The text of a sample, both texts of a pair, or its id where vectors are all there is."""
        if self.has_texts:
            return self.texts(split, row)
        ids = self._set(split).sample_ids
        if not 0 <= row < len(ids):
            raise InputError(f'There is no sample {row} in "{split}".')
        return (str(ids[row]),)

    def _words(self, split: str, row: int, neuron: int) -> dict[str, Any]:
        """What each word of a sample adds to a neuron's activation; JSON-able.

        Returns:
            ``words``: [start, end, part, value], ``read``: characters of each part that the network read, ``cut``:
            whether it read less than all.
        """
        from neurontune_core.explain.tokens import token_attributions

        parts = self.texts(split, row)
        with self._lock:  # one at a time, as with heatmaps
            found = token_attributions(self._model, [parts[0] if len(parts) == 1 else (parts[0], parts[1])], neuron)[0]
        words = [[word.start, word.end, word.part, round(word.value, 5)] for word in found.words]
        return {"words": words, "read": list(found.characters_read), "cut": found.cut}

    @cached_property
    def _dataset(self):  # type: ignore[no-untyped-def]
        from neurontune_core.datasets import open_dataset

        if not self._project.content.get("dataset"):
            raise InputError("This project holds vectors alone; there are no samples to show.")
        return open_dataset(self._project.content["dataset"], self._project.source)

    @cached_property
    def _model(self):  # type: ignore[no-untyped-def]
        from neurontune_core.models import load_model

        if not self._project.content.get("model"):
            raise InputError("This project has no model, so there are no heatmaps.")
        return load_model(self._project.content["model"], self._project.source)

    def _set(self, split: str) -> EmbeddingSet:
        if split not in self._sets:
            self._sets[split] = self._project.load_set(split)
        return self._sets[split]

    def _source(self, split: str, row: int) -> str:
        sources = self._set(split).sources
        if sources is None or not 0 <= row < len(sources):
            raise InputError(f'There is no sample {row} in "{split}".')
        return str(sources[row])

    def _thumbnail(self, split: str, row: int) -> bytes:
        """JPEG of what the network sees of a sample."""
        return thumbnail_jpeg(self._dataset.open_source(self._source(split, row)), self._preprocessing, SIDE)

    @cached_property
    def _preprocessing(self):  # type: ignore[no-untyped-def]
        """From the project's own vectors, so that a thumbnail does not wait for the network."""
        from neurontune_core.models.preprocessing import Preprocessing

        split = self._project.content["roles"]["identification"]
        said = self._set(split).provenance.get("extraction", {}).get("preprocessing")
        return Preprocessing(**said) if said else None

    def _heatmap(self, split: str, row: int, neuron: int, colours: str = "inferno") -> bytes:
        """Transparent PNG of where a neuron looks in a sample; one neuron's pictures share their colours."""
        if colours not in COLOUR_MAPS:
            raise InputError(f'There are no colours "{colours}"; use one of {", ".join(COLOUR_MAPS)}.')
        return overlay_png(self._map(split, row, neuron), self._scale(neuron), SIDE, colours=colours)

    def _map(self, split: str, row: int, neuron: int) -> np.ndarray:
        """[h, w]; where the network gives all neurons' maps at once, they are kept together."""
        with self._lock:  # one at a time: the pictures of a page arrive together, and the cores are few
            maps = self._all_maps(split, row)
            return self._one_map(split, row, neuron) if maps is None else np.maximum(maps[neuron], 0)

    def _batch(self, split: str, row: int):  # type: ignore[no-untyped-def]
        import torch

        picture = self._dataset.open_source(self._source(split, row))
        return torch.from_numpy(self._model.preprocessing(picture))[None]

    def _compute_all_maps(self, split: str, row: int) -> np.ndarray | None:
        maps = self._model.channel_maps(self._batch(split, row))
        return None if maps is None else maps[0].float().cpu().numpy()

    def _compute_one_map(self, split: str, row: int, neuron: int) -> np.ndarray:
        from neurontune_core.explain.heatmaps import heatmaps

        return heatmaps(self._model, self._batch(split, row), neuron)[0]

    def _compute_scale(self, neuron: int) -> float:
        split = self._project.content["roles"]["identification"]
        activation = np.asarray(self._set(split).embeddings[:, neuron], dtype=np.float32)
        rows = np.argsort(-np.abs(activation), kind="stable")[:_SCALE_PICTURES]
        return max(float(self._map(split, int(row), neuron).max()) for row in rows)
