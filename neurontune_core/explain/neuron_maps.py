"""Where neurons look in a project's images: computed on demand, a batch at a time, kept in memory and on disk."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.explain.disk_cache import DiskCache
from neurontune_core.explain.heatmaps import heatmaps, in_direction

if TYPE_CHECKING:
    from PIL import Image

    from neurontune_core.models.base import ImageModel

_AT_ONCE = 8
_KEPT = 512


class _MapKey(NamedTuple):
    split: str
    row: int
    neuron: int | None  # None: the maps of all neurons, which some networks give at once


class NeuronMaps:
    """Heatmaps by split, row and neuron, kept in memory and on disk.

    Args:
        network: returns the network; called for the first map that is not on disk.
        image: opens a sample by split and row.
        cache: of the maps on disk.
        version: maps a split to the folder name of its maps, which changes with whatever they depend on; None keeps
            them off the disk.
    """

    def __init__(
        self,
        network: Callable[[], ImageModel],
        image: Callable[[str, int], Image.Image],
        cache: DiskCache,
        version: Callable[[str], str | None],
    ) -> None:
        self._network, self._image, self._cache, self._version = network, image, cache, version
        self._kept: OrderedDict[_MapKey, np.ndarray] = OrderedDict()
        self._turn = threading.Lock()

    def maps(self, split: str, rows: Sequence[int], neuron: int) -> dict[int, np.ndarray]:
        """Return row -> [h, w] float32, at least 0, in the unit that `heatmaps` documents.

        Images that cannot be read are left out.

        Raises:
            InputError: when none of the images can be read, or the network has no map over the image.
        """
        failure = None
        with self._turn:
            missing = [each for row in rows if self._find(each := _MapKey(split, row, neuron)) is None]
            for start in range(0, len(missing), _AT_ONCE):
                failure = self._compute(missing[start : start + _AT_ONCE]) or failure
            result = {row: values for row in rows if (values := self._find(_MapKey(split, row, neuron))) is not None}
        if failure and not result:
            raise failure
        return result

    def _find(self, key: _MapKey) -> np.ndarray | None:
        whole = self._load(key._replace(neuron=None))
        if whole is None:
            return self._load(key)
        if not 0 <= (neuron := key.neuron or 0) < len(whole):
            raise InputError(f"There is no neuron {neuron}; this model has the neurons 0..{len(whole) - 1}.")
        values = whole[neuron].astype(np.float32)
        return in_direction(values[None], values.mean()[None])[0]

    def _load(self, key: _MapKey) -> np.ndarray | None:
        if key not in self._kept:
            name = self._name(key)
            content = self._cache.get(name) if name else None
            if content is None:
                return None
            self._remember(key, np.load(io.BytesIO(content), allow_pickle=False))
        self._kept.move_to_end(key)
        return self._kept[key]

    def _compute(self, keys: Sequence[_MapKey]) -> InputError | None:
        """Compute maps of one neuron, and return the error of an image that could not be read, if any."""
        import torch

        network = self._network()
        chosen, images, failure = [], [], None
        for key in keys:
            try:
                images.append(torch.from_numpy(network.preprocessing(self._image(key.split, key.row))))
                chosen.append(key)
            except InputError as error:
                failure = error
        if not chosen:
            return failure
        batch = torch.stack(images)
        whole = network.channel_maps(batch)
        if whole is None:
            assert chosen[0].neuron is not None
            for key, values in zip(chosen, heatmaps(network, batch, chosen[0].neuron), strict=True):
                self._store(key, values)
            return failure
        for key, values in zip(chosen, whole.float().cpu().numpy(), strict=True):
            self._store(key._replace(neuron=None), values)
        return failure

    def _store(self, key: _MapKey, values: np.ndarray) -> None:
        limit = float(np.finfo(np.float16).max)
        small = np.clip(values, -limit, limit).astype(np.float16)
        self._remember(key, small)
        if name := self._name(key):
            file = io.BytesIO()
            np.save(file, small, allow_pickle=False)
            self._cache.put(name, file.getvalue())

    def _remember(self, key: _MapKey, values: np.ndarray) -> None:
        self._kept[key] = values
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _name(self, key: _MapKey) -> str | None:
        version = self._version(key.split)
        neuron = "all" if key.neuron is None else key.neuron
        return version and f"{version}/maps/{key.row}-{neuron}.npy"
