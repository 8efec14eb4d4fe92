"""Maps are computed in batches, are those of `heatmaps`, and are found again on disk without the network."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.explain import neuron_maps
from neurontune_core.explain.disk_cache import DiskCache
from neurontune_core.explain.heatmaps import heatmaps
from neurontune_core.explain.neuron_maps import NeuronMaps
from neurontune_core.models.base import ImageModel
from neurontune_core.models.preprocessing import Preprocessing

SIDE = 16


def network(*, pooled: bool) -> ImageModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU()]
        end = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if pooled else [nn.Flatten(), nn.Linear(6 * SIDE * SIDE, 6)]
        module = nn.Sequential(*body, *end, nn.Linear(6, 2))
    return ImageModel(module, "tiny", Preprocessing(image_size=SIDE, resize=SIDE))


def picture(split: str, row: int) -> Image.Image:
    if row == 13:
        raise InputError("The image 13 cannot be read.")
    pixels = np.random.default_rng(row).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def maps(model: ImageModel, folder: Path) -> NeuronMaps:
    return NeuronMaps(lambda: model, picture, DiskCache(folder), lambda split: f"{split}-0123")


@pytest.mark.parametrize("pooled", [True, False])
def test_a_map_is_that_of_heatmaps_and_is_read_again_without_the_network(tmp_path: Path, pooled: bool) -> None:
    model = network(pooled=pooled)
    first = maps(model, tmp_path)

    def no_network() -> ImageModel:
        raise AssertionError("the maps are on disk")

    again = NeuronMaps(no_network, picture, DiskCache(tmp_path), lambda split: f"{split}-0123")
    for row in (0, 1):
        batch = torch.from_numpy(model.preprocessing(picture("val", row)))[None]
        expected = heatmaps(model, batch, 4)[0]
        assert expected.max() > 0
        for each in (first, again):
            np.testing.assert_allclose(each.maps("val", [row], 4)[row], expected, rtol=2e-3, atol=1e-4)
    with pytest.raises(AssertionError):
        NeuronMaps(no_network, picture, DiskCache(tmp_path), lambda split: f"{split}-4567").maps("val", [0], 4)


@pytest.mark.parametrize("pooled", [True, False])
def test_maps_are_computed_together_once_and_a_picture_that_cannot_be_read_is_left_out(
    tmp_path: Path, pooled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(pooled=pooled)
    sizes: list[int] = []
    usual = model.channel_maps

    def counted(batch: torch.Tensor) -> torch.Tensor | None:
        sizes.append(len(batch))
        return usual(batch)

    monkeypatch.setattr(model, "channel_maps", counted)
    gallery = maps(model, tmp_path)
    first = gallery.maps("val", [0, 1], 2)
    sizes.clear()
    result = gallery.maps("val", [0, 1, 2, 13, *range(20, 28)], 2)
    assert sum(sizes) in (9, 18)  # the new ones, once; `heatmaps` asks the network a second time
    assert len(sizes) < 9
    assert list(result) == [0, 1, 2, *range(20, 28)]
    np.testing.assert_array_equal(result[1], first[1])
    for row, values in result.items():
        batch = torch.from_numpy(model.preprocessing(picture("val", row)))[None]
        np.testing.assert_allclose(values, heatmaps(model, batch, 2)[0], rtol=2e-3, atol=1e-4)
    with pytest.raises(InputError, match="The image 13 cannot be read"):
        gallery.maps("val", [13], 2)


@pytest.mark.parametrize("pooled", [True, False])
def test_a_neuron_that_is_not_there_is_refused(tmp_path: Path, pooled: bool) -> None:
    gallery = maps(network(pooled=pooled), tmp_path)
    for neuron in (6, 10**6):
        with pytest.raises(InputError, match="There is no neuron"):
            gallery.maps("val", [0], neuron)


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, most_bytes=250)
    for place, name in enumerate(("a/one", "a/two")):
        cache.put(name, bytes(100))
        os.utime(tmp_path / name, (place, place))
    assert cache.get("a/one") == bytes(100)  # used again, so that two is the oldest now
    for name in ("b/three", "b/four", "b/five"):
        cache.put(name, bytes(60))
    assert cache.get("a/two") is None
    assert cache.get("b/five") == bytes(60)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) <= 250 + 60 * 2


def test_a_disk_that_cannot_be_written_only_makes_the_cache_forget(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = DiskCache(tmp_path / "file")
    cache.put("one", b"1")
    assert cache.get("one") is None


def test_a_file_that_fills_the_cache_to_the_brim_is_kept(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, most_bytes=200)
    cache.put("one", bytes(200))
    assert cache.get("one") == bytes(200)
    cache.put("two", bytes(201))
    assert cache.get("two") is None


@pytest.mark.parametrize("pooled", [True, False])
def test_a_map_too_strong_for_half_precision_is_cut_off_and_never_infinite(tmp_path: Path, pooled: bool) -> None:
    model = network(pooled=pooled)
    with torch.no_grad():
        model.module.get_submodule("0").weight.mul_(1e9)
    batch = torch.from_numpy(model.preprocessing(picture("val", 0)))[None]
    expected = heatmaps(model, batch, 4)[0]
    assert expected.max() > 70_000
    gallery = maps(model, tmp_path)
    for _ in range(2):  # as it was computed, and from disk
        values = gallery.maps("val", [0], 4)[0]
        np.testing.assert_allclose(values, np.minimum(expected, np.finfo(np.float16).max), rtol=2e-3)
        gallery = maps(model, tmp_path)


def test_without_a_disk_the_maps_used_last_stay_in_memory_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []

    def counted(split: str, row: int) -> Image.Image:
        opened.append(row)
        return picture(split, row)

    monkeypatch.setattr(neuron_maps, "_KEPT", 3)
    model = network(pooled=True)
    gallery = NeuronMaps(lambda: model, counted, DiskCache(tmp_path), lambda split: None)
    for row in (0, 1, 2, 0, 3):  # 1 was not used for longest when 3 came
        gallery.maps("val", [row], 2)
    assert opened == [0, 1, 2, 3]
    gallery.maps("val", [0, 2, 3], 2)
    assert opened == [0, 1, 2, 3]
    gallery.maps("val", [1], 2)
    assert opened == [0, 1, 2, 3, 1]
    assert not list(tmp_path.iterdir())
