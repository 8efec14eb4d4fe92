"""Networks: their preprocessing, checkpoints, last layer and channel maps."""

from __future__ import annotations

import argparse
import csv
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torchvision.transforms import v2

from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.models import load_model
from neurontune_core.models.checkpoints import read_checkpoint
from neurontune_core.models.preprocessing import Preprocessing


def random_model(architecture: str, family: str = "torchvision", **spec: object):
    return load_model({"family": family, "architecture": architecture, "weights": "random", **spec}, ".")


def noise(model, count: int = 2) -> torch.Tensor:
    size = model.preprocessing.image_size
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


# --- preprocessing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(301, 200), (200, 301), (256, 256), (90, 91)])
@pytest.mark.parametrize("mode", ["short_side", "squash"])
def test_preprocessing_is_torchvisions(shape: tuple[int, int], mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (shape[1], shape[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    ours = Preprocessing(resize_mode=mode)  # type: ignore[arg-type]
    theirs = v2.Compose(
        [
            v2.Resize(256 if mode == "short_side" else (256, 256)),
            v2.CenterCrop(224),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(ours.mean, ours.std),
        ]
    )
    np.testing.assert_allclose(ours(image), theirs(image).numpy(), atol=1e-6)


def test_efficientnet_lite_reads_x_minus_127_over_128() -> None:
    model = random_model("efficientnet_lite0", "efficientnet_lite", image_size=64, preprocessing={"resize": 64})
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    expected = (pixels.astype(np.float64) - 127) / 128
    np.testing.assert_allclose(model.preprocessing(Image.fromarray(pixels)), expected.transpose(2, 0, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resize": 100}, "0 < image_size <= resize"),
        ({"std": (1, 0, 1)}, "three values of std|std"),
        ({"interpolation": "magic"}, '"magic"'),
        ({"resize_mode": "fill"}, '"fill"'),
    ],
)
def test_impossible_preprocessing_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Preprocessing(**settings)


def test_a_new_image_size_keeps_the_proportion_of_the_crop() -> None:
    assert Preprocessing().changed({"image_size": 112}).resize == 128
    assert Preprocessing().changed({"image_size": 160, "preprocessing": {"resize": 160}}).resize == 160
    with pytest.raises(InputError, match='"crop"'):
        Preprocessing().changed({"preprocessing": {"crop": 3}})


# --- anatomy -------------------------------------------------------------------------------------------------------

NETWORKS = [
    ("torchvision", "resnet18", "fc", True),
    ("torchvision", "mobilenet_v2", "classifier.1", True),
    ("torchvision", "mobilenet_v3_small", "classifier.3", False),
    ("torchvision", "efficientnet_b0", "classifier.1", True),
    ("torchvision", "densenet121", "classifier", True),
    ("torchvision", "convnext_tiny", "classifier.2", False),
    ("torchvision", "swin_t", "head", True),
    ("efficientnet_lite", "efficientnet_lite0", "_fc", True),
    ("timm", "resnet10t", "fc", True),
    ("timm", "swin_tiny_patch4_window7_224", "head.fc", True),
    ("timm", "mixer_s32_224", "head", True),
    ("timm", "vit_tiny_patch16_224", "head", False),
]


@pytest.mark.long
@pytest.mark.parametrize(("family", "architecture", "classifier_name", "exact"), NETWORKS)
def test_the_head_on_the_embedding_is_the_network(
    family: str, architecture: str, classifier_name: str, exact: bool
) -> None:
    model = random_model(architecture, family, num_classes=7)
    batch = noise(model)
    with torch.inference_mode():
        logits = model.module(batch).numpy()
    embedding = model.embed(batch)
    assert (model.classifier_name, model.num_classes, embedding.shape) == (classifier_name, 7, (2, model.num_neurons))
    head = model.head()
    assert head is not None
    np.testing.assert_allclose(head.logits(embedding.numpy()), logits, atol=1e-4)
    maps = model.channel_maps(batch)
    assert (maps is not None) == exact
    if maps is not None:
        assert min(maps.shape[2:]) > 1
        torch.testing.assert_close(maps.mean(dim=(2, 3)), embedding, rtol=1e-4, atol=1e-5)


def test_the_heatmap_layer_of_a_resnet_is_its_last_stage() -> None:
    model = random_model("resnet18")
    assert model.heatmap_layer() is model.module.layer4


def test_hooks_do_not_stay_behind() -> None:
    model = random_model("resnet18", image_size=64)
    model.embed(noise(model))
    model.channel_maps(noise(model))
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.module.modules())


@pytest.mark.parametrize(
    ("family", "architecture"), [("torchvision", "squeezenet1_1"), ("timm", "deit_tiny_distilled_patch16_224")]
)
def test_a_network_without_one_last_linear_layer_is_refused(family: str, architecture: str) -> None:
    with pytest.raises(InputError, match=r"does not end in (a|one) linear layer"):
        random_model(architecture, family)


def test_unknown_names_are_quoted() -> None:
    with pytest.raises(InputError, match='"keras" is not known; use one of efficientnet_lite, torchvision, timm'):
        random_model("resnet18", "keras")
    for family in ("torchvision", "timm", "efficientnet_lite"):
        with pytest.raises(InputError, match='"resnet1800"'):
            random_model("resnet1800", family)


def test_state_dict_with_replaces_the_head_and_nothing_else(tmp_path: Path) -> None:
    model = random_model("resnet18", num_classes=3, image_size=64)
    rng = np.random.default_rng(0)
    head = LinearHead(rng.normal(size=(3, 512)), rng.normal(size=3))
    changed = model.state_dict_with(head)
    before = model.module.state_dict()
    assert {name for name in before if not torch.equal(before[name], changed[name])} == {"fc.weight", "fc.bias"}
    save_file(changed, tmp_path / "model.safetensors")
    again = load_model(
        {"family": "torchvision", "architecture": "resnet18", "weights": "model.safetensors", "image_size": 64},
        tmp_path,
    )
    read = again.head()
    assert read is not None
    np.testing.assert_array_equal(read.weight, head.weight)
    assert again.fingerprint() != model.fingerprint()
    with pytest.raises(InputError, match="does not fit"):
        model.state_dict_with(LinearHead(np.zeros((4, 512)), np.zeros(4)))


def test_random_weights_are_the_same_at_every_load() -> None:
    prints = {random_model("resnet18", image_size=64).fingerprint() for _ in range(2)}
    assert len(prints) == 1


# --- checkpoints ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {"state_dict_ema": {f"_orig_mod.module.{name}": value for name, value in state.items()}},
        lambda state: {
            "state_dict": {f"model.{name}": value for name, value in state.items()} | {"loss.weight": torch.ones(2)}
        },
        lambda state: {f"module.{name}": value for name, value in state.items()} | {"n_averaged": torch.tensor(4)},
    ],
)
@pytest.mark.parametrize("new_format", [True, False])
def test_wrapped_checkpoints_give_the_same_network(tmp_path: Path, wrap, new_format: bool) -> None:
    original = random_model("resnet18", num_classes=5, image_size=64)
    torch.save(wrap(original.module.state_dict()), tmp_path / "m.pth", _use_new_zipfile_serialization=new_format)
    spec = {"family": "torchvision", "architecture": "resnet18", "weights": "m.pth", "image_size": 64}
    assert load_model(spec, tmp_path).fingerprint() == original.fingerprint()


def test_half_precision_weights_are_widened(tmp_path: Path) -> None:
    original = random_model("resnet18", num_classes=5, image_size=64)
    save_file(
        {name: tensor.half() for name, tensor in original.module.state_dict().items()}, tmp_path / "m.safetensors"
    )
    model = load_model(
        {"family": "torchvision", "architecture": "resnet18", "weights": "m.safetensors", "image_size": 64}, tmp_path
    )
    assert model.module.fc.weight.dtype == torch.float32
    assert torch.equal(model.module.fc.weight, original.module.fc.weight.half().float())


class _Evil:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("new_format", [True, False])
def test_a_checkpoint_that_wants_to_run_code_is_refused_and_does_not_run(tmp_path: Path, new_format: bool) -> None:
    witness = tmp_path / "it_ran"
    torch.save({"state_dict": _Evil(witness)}, tmp_path / "evil.pth", _use_new_zipfile_serialization=new_format)
    with pytest.raises(InputError, match="was refused, and nothing in it ran"):
        read_checkpoint(tmp_path / "evil.pth")
    assert not witness.exists()
    if new_format:
        with pytest.raises(InputError, match=r"(posix|nt)\.mkdir"):
            read_checkpoint(tmp_path / "evil.pth")
    torch.load(tmp_path / "evil.pth", weights_only=False)
    assert witness.exists()  # the file was a real attack


def test_a_checkpoint_with_other_objects_says_which(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(1)}, "args": argparse.Namespace(lr=1)}, tmp_path / "m.pth")
    assert read_checkpoint(tmp_path / "m.pth").unread == ("argparse.Namespace",)
    torch.save(torchvision.models.resnet18(), tmp_path / "whole.pth")
    with pytest.raises(InputError, match=r"torchvision\.models|torch\.nn"):
        read_checkpoint(tmp_path / "whole.pth")


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(32 << 20)}, tmp_path / "plain.pth")  # 128 MiB of zeros
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in plain.namelist():
            bomb.writestr(name, plain.read(name))
    assert (tmp_path / "bomb.pth").stat().st_size < 1 << 20
    with pytest.raises(InputError, match=r"unpack to 128 MiB"):
        read_checkpoint(tmp_path / "bomb.pth")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", b"hello", b"\x80\x02."])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_what_is_no_checkpoint_is_said(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"m.{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        read_checkpoint(path)


def test_checkpoints_that_do_not_fit_say_where(tmp_path: Path) -> None:
    small = random_model("resnet18", num_classes=5, image_size=64)
    torch.save(small.module.state_dict(), tmp_path / "m.pth")
    spec = {"family": "torchvision", "architecture": "resnet18", "weights": "m.pth", "image_size": 64}
    with pytest.raises(InputError, match="has 5 classes, but num_classes says 2"):
        load_model(spec | {"num_classes": 2}, tmp_path)
    with pytest.raises(InputError, match=r'not one of "resnet34": it lacks "layer1\.2'):
        load_model(spec | {"architecture": "resnet34"}, tmp_path)
    torch.save(random_model("resnet34", image_size=64).module.state_dict(), tmp_path / "m.pth")
    with pytest.raises(InputError, match=r'not one of "resnet18": it also has "layer1\.2'):
        load_model(spec, tmp_path)
    with pytest.raises(InputError, match=r"There is no checkpoint .*gone.pth"):
        load_model(spec | {"weights": "gone.pth"}, tmp_path)
    with pytest.raises(InputError, match="give the path of a checkpoint"):
        load_model(spec | {"weights": None}, tmp_path)
    with pytest.raises(InputError, match='no installed ImageNet weights for "resnet18"'):
        load_model(spec | {"weights": "imagenet"}, tmp_path)


# --- EfficientNet-Lite ---------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    "every", [4, pytest.param(1, marks=pytest.mark.slow(reason="every fourth of the 250 photographs is recognized"))]
)
def test_lite0_recognizes_real_photographs(shared_data: Path, every: int) -> None:
    folder = shared_data / "imagenet_sample250"
    model = load_model(
        {"family": "efficientnet_lite", "architecture": "efficientnet_lite0", "weights": "imagenet"}, "."
    )
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::every]
    pixels = [model.preprocessing(Image.open(folder / row["filename"]).convert("RGB")) for row in rows]
    head = model.head()
    assert head is not None
    batches = torch.from_numpy(np.stack(pixels)).split(50)
    predicted = np.concatenate([head.predict(model.embed(batch).numpy()) for batch in batches])
    accuracy = np.mean(predicted == [int(row["imagenet_index"]) for row in rows])
    assert accuracy >= 0.85


def test_imagenet_weights_under_new_classes_have_no_trained_head() -> None:
    model = load_model({"family": "efficientnet_lite", "weights": "imagenet", "num_classes": 2, "image_size": 64}, ".")
    assert model.num_classes == 2
    assert model.head() is None
    with pytest.raises(InputError, match="efficientnet-lite4-pytorch-model"):
        load_model({"family": "efficientnet_lite", "architecture": "efficientnet_lite4", "weights": "imagenet"}, ".")
