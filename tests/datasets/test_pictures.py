"""Images of every depth, mode and orientation become the pixels that Pillow and torchvision's scaling give."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as F

from neurontune_core.datasets.pictures import decode
from neurontune_core.errors import InputError
from neurontune_core.preflight.inspection import inspect_dataset
from neurontune_core.preflight.report import Report
from neurontune_core.preflight.request import Request

RAMP = np.linspace(0, 1, 64).reshape(8, 8)


def stored(image: Image.Image, kind: str, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def gray(file: io.BytesIO) -> np.ndarray:
    pixels = np.asarray(decode(file, "a"))
    assert pixels.shape == (8, 8, 3)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0].astype(float)


@pytest.mark.parametrize(
    ("values", "kind", "options"),
    [
        ((RAMP * 65535).astype(np.uint16), "PNG", {}),
        ((RAMP * 65535).astype(np.uint16), "TIFF", {}),
        ((RAMP * 65535).astype(">u2"), "TIFF", {}),
        ((RAMP * 65535).astype(np.uint16), "TIFF", {"compression": "tiff_lzw"}),
        ((RAMP * 65535).astype(np.int32), "TIFF", {}),
        (RAMP.astype(np.float32), "TIFF", {}),
        ((RAMP * 255).astype(np.float32), "TIFF", {}),
        ((RAMP * 4000 - 1000).astype(np.float32), "TIFF", {}),  # Hounsfield units
        ((RAMP * 65535).astype(np.uint16), "PPM", {}),
    ],
)
def test_deep_images_become_the_eight_bits_of_the_same_scene(values: np.ndarray, kind: str, options: dict) -> None:
    seen = gray(stored(Image.fromarray(values), kind, **options))
    assert np.abs(seen - RAMP * 255).max() <= 1


def test_sixteen_bits_are_scaled_as_torchvision_scales_them() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (8, 8)).astype(np.uint16)
    theirs = F.to_dtype(torch.from_numpy(values)[None], torch.uint8, scale=True)[0].numpy()
    assert np.abs(gray(stored(Image.fromarray(values), "PNG")) - theirs).max() <= 1
    assert theirs.min() < 10
    assert theirs.max() > 245


def test_values_that_are_no_numbers_are_dark() -> None:
    values = RAMP.astype(np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    assert gray(stored(Image.fromarray(values), "TIFF"))[0, :2].tolist() == [0, 0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "BMP", "GIF", "WEBP", "JPEG2000", "TGA"])
def test_every_mode_in_every_format_is_what_pillow_converts_it_to(mode: str, kind: str) -> None:
    scene = Image.fromarray((np.dstack([RAMP, RAMP[::-1], RAMP.T]) * 255).astype(np.uint8))
    try:
        image = scene if mode in ("HSV", "LAB", "YCbCr") else scene.convert(mode)
        file = stored(image.convert(mode) if mode != "LAB" else image, kind)
    except (OSError, ValueError, KeyError):
        return  # this format holds no such mode
    with Image.open(io.BytesIO(file.getvalue())) as again:
        assert (np.asarray(decode(file, "a")) == np.asarray(again.convert("RGB"))).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])  # Pillow itself turns TIFFs, for everybody
def test_exif_turns_an_image_or_is_ignored(orientation: int, kind: str) -> None:
    scene = Image.fromarray(np.kron(np.arange(6).reshape(2, 3) * 40, np.ones((16, 16))).astype(np.uint8)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = stored(scene, kind, exif=exif)
    upright, raw = decode(file, "a"), decode(io.BytesIO(file.getvalue()), "a", "ignore")
    assert np.abs(np.asarray(raw).astype(int) - np.asarray(scene)).max() < 12  # JPEG and WebP lose a little
    turn = {2: (0,), 3: (3,), 4: (1,), 5: (5,), 6: (4,), 7: (6,), 8: (2,)}.get(orientation, ())
    for method in turn:  # Pillow's own numbers of its transpositions
        raw = raw.transpose(Image.Transpose(method))
    assert upright.size == raw.size
    assert np.abs(np.asarray(upright).astype(int) - np.asarray(raw)).max() < 12


def bomb(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("width", "height"), [(1, 100_000_000), (30_000, 30_000), (2**31 - 1, 1), (3, 700)])
def test_a_claimed_size_beyond_the_limits_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises(InputError, match=r"pixels; images of up to 100,000,000 are read|cannot be read"):
        decode(io.BytesIO(bomb(width, height)), "a")


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"II*\0\xff\xff\xff\xff", b"GIF89a", b"<svg/>", b"BM\0\0"]
)
def test_a_damaged_image_is_one_sentence(content: bytes) -> None:
    with pytest.raises(InputError, match='The image "a" cannot be read'):
        decode(io.BytesIO(content), "a")


HALVES = """
import torch
from torch import nn

class Halves(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d((2, 1))
        self.fc = nn.Linear(6, 2)
    def forward(self, x):
        return self.fc(self.pool(x).flatten(1))

def network():
    return Halves()
"""


def turned(tmp_path: Path, **changes: object) -> Report:
    """Inspect images that a network was trained on as they are stored, and whose EXIF turns them upside down."""
    from safetensors.torch import save_file

    exif = Image.Exif()
    exif[0x0112] = 3
    for number in range(48):
        above = number % 2
        pixels = np.full((16, 16, 3), 60, np.uint8)
        pixels[slice(0, 8) if above else slice(8, 16)] = 200
        file = tmp_path / "data" / ("train", "val")[number // 24] / ("below", "above")[above] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file, exif=exif)
    (tmp_path / "halves.py").write_text(HALVES)
    weight = torch.tensor([[1.0, -1.0] * 3, [-1.0, 1.0] * 3])  # above, below
    save_file({"fc.weight": weight, "fc.bias": torch.zeros(2)}, tmp_path / "model.safetensors")
    half = {"image_size": 16, "resize": 16, "mean": [0.5] * 3, "std": [0.5] * 3}
    request = Request(
        str(tmp_path / "data"),
        str(tmp_path / "model.safetensors"),
        entry="halves:network",
        settings={"preprocessing": half | changes},
    )
    return inspect_dataset(request, tmp_path, allow_python=True, device="cpu")


def test_images_that_exif_turns_against_the_training_are_seen_and_the_flag_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    report = turned(tmp_path)
    assert report.accuracy is not None
    assert report.accuracy.accuracy == 0
    (blocker,) = report.of("blocker")
    assert blocker.flags == "--preprocessing exif=ignore"
    assert "images as they are stored, EXIF ignored the model is right on 100 %" in blocker.sentence
    assert "48 of the 48 images that were opened are turned upright" in " ".join(n.sentence for n in report.of("note"))
    mended = turned(tmp_path, exif="ignore")
    assert mended.accuracy is not None
    assert mended.accuracy.accuracy == 1
    assert (mended.dataset_spec or {})["exif"] == "ignore"
    json.dumps(mended.to_json())
