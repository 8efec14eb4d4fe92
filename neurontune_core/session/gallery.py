"""Thumbnails of a project's samples and heatmaps over them, or texts and the effect of their words; made on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.explain.disk_cache import DiskCache
from neurontune_core.explain.neuron_maps import NeuronMaps
from neurontune_core.explain.overlay import COLOR_MAPS, overlay_png, thumbnail_jpeg, whole_jpeg
from neurontune_core.models import is_python_entry
from neurontune_core.workspace.project import Project

if TYPE_CHECKING:
    from PIL import Image

Made = TypeVar("Made")
SIDE = 192  # pixels of a thumbnail
_MEASURED_TEXTS = 50  # texts whose lengths the usual length is computed from
_SCALE_SAMPLES = 4  # a neuron's brightest color is its strongest activation in this many of its top samples


class Gallery:
    """Thumbnails and heatmaps by split and row. The network is loaded at the first heatmap.

    Args:
        project: the project.
        allow_python: whether a network that the user's own code builds may be run, as the command line may where the
            user names that code.

    Raises:
        InputError: from every method, when the project has no images, or one cannot be read.
    """

    def __init__(self, project: Project, *, allow_python: bool = False) -> None:
        self._project, self._allow_python = project, allow_python
        self._lock = threading.Lock()
        self._sets: dict[str, EmbeddingSet] = {}
        self.thumbnail = lru_cache(4096)(self._thumbnail)
        self.heatmap = lru_cache(4096)(self._heatmap)
        self.words = lru_cache(4096)(self._words)
        self.usual_length = lru_cache(self._usual_length)
        self._cache = DiskCache(project.cache)
        self._maps = NeuronMaps(lambda: self.network, self._image, self._cache, self._version)
        self._scale = lru_cache(4096)(self._compute_scale)

    @property
    def has_images(self) -> bool:
        return bool(self._project.content.get("dataset")) and self._modality == "image"

    @property
    def has_texts(self) -> bool:
        return bool(self._project.content.get("dataset")) and self._modality != "image"

    @property
    def has_model(self) -> bool:
        """Return whether the network can be run here; one that the user's own code builds cannot."""
        model = self._project.content.get("model")
        return bool(model and (self._allow_python or not is_python_entry(model)))

    @property
    def model_note(self) -> str:
        """Return why the network of this project is not run on screens, in one sentence; else an empty text."""
        model = self._project.content.get("model")
        if not model or self.has_model:
            return ""
        return "This project's network is built by Python code, so it can only be run from the command line."

    @property
    def _modality(self) -> str:
        return str(self._project.content.get("modality", "image"))

    def texts(self, split: str, row: int) -> tuple[str, ...]:
        """Return the text of a sample, or both texts of a pair."""
        if not self.has_texts:
            raise InputError("The samples of this project are not texts.")
        sample = self.dataset.open_sample(self._source(split, row))
        return (sample,) if isinstance(sample, str) else tuple(sample)

    def _usual_length(self, split: str) -> int:
        """Return the median number of characters in the first texts of a split, both texts of a pair together."""
        rows = range(min(_MEASURED_TEXTS, self._set(split).num_samples))
        return int(np.median([sum(map(len, parts)) for parts in self.descriptions(split, rows).values()]))

    def thumbnails(self, split: str, rows: Sequence[int]) -> dict[int, bytes]:
        """Return JPEGs by row, without the rows that cannot be read, unless that is all of them."""
        return _readable(lambda row: self.thumbnail(split, row), rows)

    def heatmaps(self, split: str, rows: Sequence[int], neuron: int, colors: str = "inferno") -> dict[int, bytes]:
        """Return PNGs by row, computed together, without the rows that cannot be read, unless that is all of them."""
        self._maps.maps(split, rows, neuron)
        return _readable(lambda row: self.heatmap(split, row, neuron, colors), rows)

    def descriptions(self, split: str, rows: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return texts by row, without the rows that cannot be read, unless that is all of them."""
        return _readable(lambda row: self.described(split, row), rows)

    def described(self, split: str, row: int) -> tuple[str, ...]:
        """Return the text of a sample, both texts of a pair, or its id in a project of images or vectors."""
        if self.has_texts:
            return self.texts(split, row)
        ids = self._set(split).sample_ids
        if not 0 <= row < len(ids):
            raise InputError(f'There is no sample {row} in "{split}".')
        return (str(ids[row]),)

    def picture(self, split: str, row: int, side: int = 900) -> bytes:
        """Return a JPEG of a whole upright picture, its longer side at most ``side`` pixels; for pointing at a cue."""
        return whole_jpeg(self._image(split, row), side)

    def _words(self, split: str, row: int, neuron: int) -> dict[str, Any]:
        """Return what each word of a sample adds to a neuron's activation; JSON-able.

        Returns:
            ``words``: [start, end, part, value], where the value is what the word adds to the activation's magnitude,
            which the scores are computed from; ``read``: characters of each part that the network read; ``cut``:
            whether the text is longer than that.
        """
        from neurontune_core.explain.tokens import token_attributions

        parts, version = self.texts(split, row), self._version(split)
        name = f"{version}/words/{row}-{neuron}.json"
        if version and (kept := self._cache.get(name)):
            return json.loads(kept)
        with self._lock:  # one at a time: each uses all cores
            text = parts[0] if len(parts) == 1 else (parts[0], parts[1])
            attribution = token_attributions(self.network, [text], neuron)[0]
        sign = -1 if attribution.activation < 0 else 1
        words = [[word.start, word.end, word.part, round(sign * word.value, 5)] for word in attribution.words]
        content = {"words": words, "read": list(attribution.characters_read), "cut": attribution.cut}
        if version:
            self._cache.put(name, json.dumps(content).encode())
        return content

    @cached_property
    def dataset(self):  # type: ignore[no-untyped-def]
        """Return the dataset of the project.

        Raises:
            InputError: when the project holds vectors alone.
        """
        from neurontune_core.datasets import open_dataset

        if not self._project.content.get("dataset"):
            raise InputError("This project holds vectors alone; there are no samples to show.")
        return open_dataset(self._project.content["dataset"], self._project.source)

    @cached_property
    def network(self):  # type: ignore[no-untyped-def]
        """Return the network of the project, loaded when it is first asked for.

        Raises:
            InputError: when the project has none, or it cannot be loaded.
        """
        from neurontune_core.models import load_model

        if not self._project.content.get("model"):
            raise InputError(
                "This project has no network, so there are no heatmaps, and nothing can be edited and run."
            )
        return load_model(self._project.content["model"], self._project.source, allow_python=self._allow_python)

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
        """Return a JPEG of the part of a sample that the network sees."""
        name = (version := self._version(split)) and f"{version}/thumbnails/{row}-{SIDE}.jpg"
        if name and (kept := self._cache.get(name)):
            return kept
        made = thumbnail_jpeg(self._image(split, row), self._preprocessing, SIDE)
        if name:
            self._cache.put(name, made)
        return made

    @cached_property
    def _preprocessing(self):  # type: ignore[no-untyped-def]
        """Return the preprocessing that was stored with the vectors, so that a thumbnail does not load the network."""
        from neurontune_core.models.preprocessing import Preprocessing

        split = self._project.content["roles"]["identification"]
        settings = self._set(split).provenance.get("extraction", {}).get("preprocessing")
        return Preprocessing(**settings) if settings else None

    def _heatmap(self, split: str, row: int, neuron: int, colors: str = "inferno") -> bytes:
        """Return a transparent PNG of where a neuron is active in a sample; the heatmaps of a neuron share a scale."""
        if colors not in COLOR_MAPS:
            raise InputError(f'There is no color map "{colors}"; use one of {", ".join(COLOR_MAPS)}.')
        return overlay_png(self._maps.maps(split, [row], neuron)[row], self._scale(neuron), SIDE, colors=colors)

    def _image(self, split: str, row: int) -> Image.Image:
        return self.dataset.open_source(self._source(split, row))

    def _version(self, split: str) -> str | None:
        """Return the cache folder of a split, which changes with the network, the samples and their preprocessing."""
        samples = self._set(split)  # perhaps some of those that were extracted
        fingerprint = samples.provenance.get("extraction", {}).get("fingerprint")
        return f"{split or 'all'}-{fingerprint}-{samples.fingerprint[:8]}" if fingerprint else None

    def _compute_scale(self, neuron: int) -> float:
        split = self._project.content["roles"]["identification"]
        activation = np.asarray(self._set(split).embeddings[:, neuron], dtype=np.float32)
        rows = np.argsort(-np.abs(activation), kind="stable")[:_SCALE_SAMPLES]
        return max(float(heat.max()) for heat in self._maps.maps(split, rows.tolist(), neuron).values())


def _readable(make: Callable[[int], Made], rows: Sequence[int]) -> dict[int, Made]:
    """Return what is made of each row that can be read; InputError when none of them can."""
    made, failure = {}, None
    for row in rows:
        try:
            made[row] = make(row)
        except InputError as error:
            failure = error
    if failure and not made:
        raise failure
    return made
