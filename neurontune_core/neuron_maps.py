"""Where neurons look in a project's pictures: computed on demand, a batch at a time, kept in memory and on disk."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurontune_core.disk_cache import DiskCache
from neurontune_core.errors import InputError
from neurontune_core.explain.heatmaps import heatmaps

if TYPE_CHECKING:
    from PIL import Image

    from neurontune_core.models.base import ImageModel

_AT_ONCE = 8
_KEPT = 512


class _Wanted(NamedTuple):
    split: str
    row: int
    neuron: int | None  # None: the maps of all neurons, which some networks give at once


class NeuronMaps:
    """Maps by split, row and neuron.

    The pictures of a page are asked for together, each by a request of its own: the first to get its turn computes
    those of the others that wait for the same neuron, too.

    Args:
        network: gives the network; called at the first map that is not on disk.
        picture: opens a sample.
        cache: where maps lie.
        version: what makes the maps of a split other ones, as a folder's name; None keeps them off the disk.
    """

    def __init__(
        self,
        network: Callable[[], ImageModel],
        picture: Callable[[str, int], Image.Image],
        cache: DiskCache,
        version: Callable[[str], str | None],
    ) -> None:
        self._network, self._picture, self._cache, self._version = network, picture, cache, version
        self._kept: OrderedDict[_Wanted, np.ndarray] = OrderedDict()
        self._queue: dict[_Wanted, None] = {}
        self._turn, self._listed = threading.Lock(), threading.Lock()

    def map(self, split: str, row: int, neuron: int) -> np.ndarray:
        """[h, w] float32, at least 0, in units of the activation or as `heatmaps` says.

        Raises:
            InputError: when the picture cannot be read, or the network has no map over it.
        """
        wanted = _Wanted(split, row, neuron)
        with self._listed:
            self._queue[wanted] = None
        with self._turn:
            with self._listed:
                self._queue.pop(wanted, None)
            found = self._find(wanted)
            if found is None:
                self._compute(wanted)
                found = self._find(wanted)
        assert found is not None
        return found

    def _find(self, wanted: _Wanted) -> np.ndarray | None:
        whole = self._load(wanted._replace(neuron=None))
        if whole is None:
            return self._load(wanted)
        if not 0 <= (neuron := wanted.neuron or 0) < len(whole):
            raise InputError(f"There is no neuron {neuron}; this model has the neurons 0..{len(whole) - 1}.")
        return np.maximum(whole[neuron], 0, dtype=np.float32)

    def _load(self, wanted: _Wanted) -> np.ndarray | None:
        if wanted not in self._kept:
            name = self._name(wanted)
            content = self._cache.get(name) if name else None
            if content is None:
                return None
            self._remember(wanted, np.load(io.BytesIO(content), allow_pickle=False))
        self._kept.move_to_end(wanted)
        return self._kept[wanted]

    def _compute(self, wanted: _Wanted) -> None:
        import torch

        network = self._network()
        with self._listed:
            waiting = [each for each in self._queue if each.neuron == wanted.neuron and self._find(each) is None]
        chosen, pictures = [], []
        for each in [wanted, *waiting[: _AT_ONCE - 1]]:
            try:
                pictures.append(torch.from_numpy(network.preprocessing(self._picture(each.split, each.row))))
                chosen.append(each)
            except InputError:
                if each is wanted:
                    raise  # the others say so in their own turn
        batch = torch.stack(pictures)
        whole = network.channel_maps(batch)
        if whole is None:
            assert wanted.neuron is not None
            for each, values in zip(chosen, heatmaps(network, batch, wanted.neuron), strict=True):
                self._store(each, values)
            return
        for each, values in zip(chosen, whole.float().cpu().numpy(), strict=True):
            self._store(each._replace(neuron=None), values)

    def _store(self, wanted: _Wanted, values: np.ndarray) -> None:
        limit = float(np.finfo(np.float16).max)
        small = np.clip(values, -limit, limit).astype(np.float16)
        self._remember(wanted, small)
        if name := self._name(wanted):
            file = io.BytesIO()
            np.save(file, small, allow_pickle=False)
            self._cache.put(name, file.getvalue())

    def _remember(self, wanted: _Wanted, values: np.ndarray) -> None:
        self._kept[wanted] = values
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _name(self, wanted: _Wanted) -> str | None:
        version = self._version(wanted.split)
        neuron = "all" if wanted.neuron is None else wanted.neuron
        return version and f"{version}/maps/{wanted.row}-{neuron}.npy"
