"""Cutting and pasting, held against numpy pixel by pixel, and what no box may be."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from neurontune_core import InputError
from neurontune_core.cues.cue import Box, Pointed, box_of_discs
from neurontune_core.cues.cutout import cut_out, feathered, paste, rgba_png
from neurontune_core.models.preprocessing import Preprocessing


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def pointed(*box: float, discs: tuple = ()) -> Pointed:
    return Pointed("val", "1", Box(*box), discs)


def test_a_pasted_cut_out_is_the_source_inside_the_target_outside_and_a_ramp_between() -> None:
    source, target = noise(100, 80), noise(100, 80, 1)
    cut = cut_out(source, pointed(0.5, 0.25, 0.4, 0.5))  # 40 x 40 pixels, which fade over 3
    made = np.asarray(paste(target, cut), dtype=float)
    expected = np.asarray(target, dtype=float).copy()
    for y in range(20, 60):
        for x in range(50, 90):
            opacity = 1.0
            for edge in (min(x - 50, 89 - x), min(y - 20, 59 - y)):
                opacity *= min(1.0, (edge + 1) / 4)
            own, under = (np.asarray(picture, dtype=float)[y, x] for picture in (source, target))
            expected[y, x] = opacity * own + (1 - opacity) * under
    assert np.abs(made - expected).max() <= 0.51  # rounding
    np.testing.assert_array_equal(made[25:55, 55:85], np.asarray(source)[25:55, 55:85])


def test_a_picture_with_its_own_cut_out_is_the_same_picture() -> None:
    source = noise(97, 61)
    cut = cut_out(source, pointed(0.137, 0.41, 0.31, 0.22))
    np.testing.assert_array_equal(np.asarray(paste(source, cut)), np.asarray(source))


def test_in_a_picture_of_another_size_it_is_scaled_with_the_shorter_side_at_the_same_relative_place() -> None:
    source = Image.new("RGB", (100, 100), "black")
    source.paste("white", (60, 70, 80, 80))
    cut = cut_out(source, pointed(0.6, 0.7, 0.2, 0.1))
    made = np.asarray(paste(Image.new("RGB", (400, 200), "black"), cut)).max(axis=2)
    ys, xs = np.nonzero(made > 128)
    assert (xs.mean() / 400, ys.mean() / 200) == pytest.approx((0.7, 0.75), abs=0.01)
    assert (np.ptp(xs) + 1, np.ptp(ys) + 1) == pytest.approx((40, 20), abs=4)


def test_the_control_is_a_patch_of_the_same_picture_beside_the_box() -> None:
    source = noise(60, 50)
    pixels, cut = np.asarray(source), cut_out(source, pointed(0.1, 0.2, 0.4, 0.3))
    left, top, right, bottom = 6, 10, 30, 25
    seen = set()
    for seed in range(40):
        patch = cut.elsewhere(np.random.default_rng(seed))
        assert patch.shape == (15, 24, 3)
        places = [(y, x) for y in range(36) for x in range(37) if np.array_equal(pixels[y : y + 15, x : x + 24], patch)]
        [(y, x)] = places
        assert y + 15 <= top or y >= bottom or x + 24 <= left or x >= right
        seen.add((y, x))
    assert len(seen) > 20


def test_a_brush_leaves_the_picture_outside_it() -> None:
    source, target = noise(100, 100), noise(100, 100, 1)
    discs = ((0.4, 0.5, 0.05), (0.5, 0.5, 0.05))
    box = box_of_discs(discs, 100, 100)
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0.35, 0.45, 0.2, 0.1))
    cut = cut_out(source, Pointed("val", "1", box, discs))
    made = np.asarray(paste(target, cut))
    np.testing.assert_array_equal(made[45, 35], np.asarray(target)[45, 35])  # the corner of the box
    np.testing.assert_array_equal(made[50, 40], np.asarray(source)[50, 40])
    shown = Image.open(io.BytesIO(rgba_png(cut)))
    assert (shown.mode, shown.size, shown.getpixel((0, 0))[3]) == ("RGBA", (20, 10), 0)  # type: ignore[index]


def test_opacity_falls_towards_the_edges_alone() -> None:
    opacity = feathered(100, 50)
    assert opacity.shape == (50, 100)
    assert opacity[25, 50] == 1
    assert 0 < opacity[0, 0] < opacity[0, 50] < 1
    np.testing.assert_allclose(opacity, opacity[::-1, ::-1])


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((0, 0, 1, 1), "takes the whole picture"),
        ((0.5, 0.5, 0, 0.1), "is empty"),
        ((0.5, 0.5, 0.2, -0.1), "is empty"),
        ((0.9, 0.5, 0.2, 0.1), "outside the picture"),
        ((-0.1, 0.5, 0.2, 0.1), "outside the picture"),
        ((float("nan"), 0.5, 0.2, 0.1), "is no number"),
        ((0.1, 0.1, 0.8, 0.8), "no patch of its size fits beside it"),
        ((0.5, 0.5, 0.01, 0.1), "too small"),
    ],
)
def test_a_box_that_is_no_cue_is_refused_in_a_sentence(box: tuple[float, ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        cut_out(noise(100, 100), pointed(*box))


def test_a_box_that_the_network_does_not_see_is_refused() -> None:
    preprocessing = Preprocessing(image_size=50, resize=100)
    with pytest.raises(InputError, match="sees only the middle"):
        cut_out(noise(100, 100), pointed(0.0, 0.4, 0.2, 0.2), preprocessing)
    cut_out(noise(100, 100), pointed(0.4, 0.4, 0.2, 0.2), preprocessing)
    with pytest.raises(InputError, match="sees only the middle"):  # a wide picture loses its sides
        cut_out(noise(200, 50), pointed(0.0, 0.2, 0.1, 0.2), Preprocessing(image_size=50, resize=50))
