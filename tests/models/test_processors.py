"""Every image processor of transformers that classifiers have: what the network reads is the processor's own output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image
from transformers.models.auto import modeling_auto
from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

from neurontune_core.models import load_model
from neurontune_core.models.huggingface_processor import ProcessorPreprocessing, open_processor
from tests.support.tiny_huggingface import image_folder

# Those that give no square of three channels: patches, color clusters, or whatever the picture's sides are.
ODD = {"donut-swin", "imagegpt", "siglip2", "textnet", "timm_wrapper"}
KINDS = sorted(
    kind
    for kind in modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES
    if IMAGE_PROCESSOR_MAPPING_NAMES.get(kind) and kind not in ODD
)
SAMPLE = ("efficientnet", "levit", "poolformer", "pp_lcnet", "mobilevit", "convnext", "clip", "vit")


def picture(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    checks = ((x // 30 + y // 30) % 2) * 255
    return Image.fromarray(np.stack([x / width * 255, y / height * 255, checks], 2).astype(np.uint8))


def check(tmp_path: Path, kind: str) -> None:
    names = IMAGE_PROCESSOR_MAPPING_NAMES[kind]
    own = getattr(transformers, names.get("torchvision") or names["pil"])()
    own.save_pretrained(tmp_path)
    transformers.AutoConfig.for_model(kind).save_pretrained(tmp_path)
    content = json.loads((tmp_path / "preprocessor_config.json").read_text())
    ours = open_processor(tmp_path, content, None)
    for size in ((420, 300), (300, 420), (90, 90)):
        theirs = np.asarray(own(picture(*size), return_tensors="pt")["pixel_values"][0])
        np.testing.assert_allclose(ours(picture(*size)), theirs, atol=1e-4)
        crop = ours.crop(picture(*size))  # what is shown of it
        gray_level = 0.51 / 255 / np.array(ours.std).min()
        np.testing.assert_allclose(ours.normalize(crop), theirs, atol=max(gray_level, 1e-3) + 1e-4)


@pytest.mark.parametrize("kind", SAMPLE)
def test_the_input_is_the_processors_own_output(tmp_path: Path, kind: str) -> None:
    check(tmp_path, kind)


@pytest.mark.slow(reason="eight kinds that differ most are checked")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SAMPLE])
def test_the_input_is_the_processors_own_output_for_all(tmp_path: Path, kind: str) -> None:
    check(tmp_path, kind)


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        ("EfficientNetImageProcessor", {"include_top": True, "size": {"height": 32, "width": 32}}),
        (
            "EfficientNetImageProcessor",
            {"include_top": False, "rescale_offset": True, "size": {"height": 32, "width": 32}},
        ),
        ("MobileViTImageProcessor", {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}),
        ("BeitImageProcessor", {"size": {"height": 32, "width": 32}, "do_rescale": False}),
        (
            "CLIPImageProcessor",
            {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}, "resample": 0},
        ),
    ],
)
def test_a_model_of_another_familys_processor_reads_what_that_gives(
    tmp_path: Path, cls: str, settings: dict[str, Any]
) -> None:
    folder = image_folder(tmp_path / "vit", "vit")
    own = getattr(transformers, cls)(**settings)
    own.save_pretrained(folder)
    model = load_model({"family": "huggingface_image", "weights": str(folder)}, ".")
    assert isinstance(model.preprocessing, ProcessorPreprocessing)
    assert model.preprocessing_from == "its preprocessor_config.json"
    theirs = np.asarray(own(picture(80, 50), return_tensors="pt")["pixel_values"][0])
    np.testing.assert_allclose(model.prepare(picture(80, 50)), theirs, atol=1e-4)
    assert model.preprocessing.flipped == (cls == "MobileViTImageProcessor")
    described = json.loads(json.dumps(model.input_settings()))
    assert described["processor"] == cls


def test_a_persons_own_settings_take_the_processors_place(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "vit", "vit")
    hub = {"crop_size": {"height": 32, "width": 32}, "do_center_crop": True, "do_flip_channel_order": True}
    hub |= {
        "do_resize": True,
        "resample": 2,
        "size": {"shortest_edge": 36},
        "image_processor_type": "MobileViTImageProcessor",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(hub))  # without mean and std, as on the hub
    spec = {"family": "huggingface_image", "weights": str(folder)}
    assert load_model(spec, ".").preprocessing.flipped
    own = load_model(spec | {"preprocessing": {"mean": [0.5] * 3, "std": [0.25] * 3}}, ".")
    white = own.prepare(Image.new("RGB", (40, 40), "white"))
    np.testing.assert_allclose(white, np.full((3, 32, 32), 2.0), atol=1e-5)
    assert own.preprocessing_from == "the model's settings"


def test_a_processor_that_gives_no_square_is_imitated_and_it_is_said(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "vit", "vit")
    transformers.TextNetImageProcessor(size={"shortest_edge": 32}).save_pretrained(folder)
    model = load_model({"family": "huggingface_image", "weights": str(folder)}, ".")
    assert "preprocessor_config.json is imitated" in " ".join(model.loading.sentences())
