"""Guessing the model from its files: every family by a checkpoint of its own, with the names that training leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import timm
import torch
import torchvision

from neurontune_core.errors import InputError
from neurontune_core.models import load_model
from neurontune_core.models.detect import _image_size, guess_model
from neurontune_core.models.known_networks import NetworkName, build, digest, identify, read_index
from tests.support.tiny_huggingface import IMAGE_FAMILIES, TEXT_FAMILIES, image_folder, text_folder

CLASSES = 3


def state_of(family: str, architecture: str, **options: object) -> dict[str, torch.Tensor]:
    """Return a checkpoint of another program: built by the library itself, with a head of three classes."""
    if family == "timm":
        return timm.create_model(architecture, num_classes=CLASSES, **options).state_dict()
    if family == "torchvision":
        return torchvision.models.get_model(architecture, weights=None, num_classes=CLASSES).state_dict()
    spec = {"family": family, "architecture": architecture, "weights": "random", "num_classes": CLASSES}
    return load_model(spec, ".").module.state_dict()


@pytest.mark.parametrize(
    ("family", "architecture", "prefix", "wrapper", "ending"),
    [
        ("cifar_resnet", "resnet32", "module.", "state_dict", ".th"),
        ("torchvision", "mobilenet_v3_small", "", None, ".pth"),
        ("torchvision", "resnet18", "_orig_mod.module.", "model", ".pt"),
        ("timm", "resnet10t", "model.", "state_dict", ".ckpt"),
        ("timm", "vit_tiny_patch16_224", "net.backbone.", None, ".pth"),
        ("efficientnet_lite", "efficientnet_lite0", "", "state_dict_ema", ".pth"),
    ],
)
def test_a_checkpoint_tells_its_architecture(
    tmp_path: Path, family: str, architecture: str, prefix: str, wrapper: str | None, ending: str
) -> None:
    named = {f"{prefix}{name}": tensor for name, tensor in state_of(family, architecture).items()}
    if ending == ".ckpt":
        named["criterion.weight"] = torch.ones(CLASSES)  # what a Lightning module keeps beside the network
    file = tmp_path / f"weights{ending}"
    torch.save({wrapper: named, "epoch": 3} if wrapper else named, file)
    guess = guess_model(file)
    assert guess.spec == {"family": family, "architecture": architecture, "weights": str(file)}
    assert NetworkName(family, architecture) not in guess.alternatives
    model = load_model(guess.spec, tmp_path)
    assert model.num_classes == CLASSES
    assert model.loading.prefix == prefix


def test_a_checkpoint_without_its_last_layer_is_recognized_too(tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in state_of("cifar_resnet", "resnet20").items() if "linear" not in name}
    torch.save(state, tmp_path / "a.pt")
    guess = guess_model(tmp_path)  # the one checkpoint of the folder
    assert guess.spec["architecture"] == "resnet20"
    assert load_model(guess.spec, tmp_path).loading.headless


def test_the_position_table_tells_the_image_size(tmp_path: Path) -> None:
    torch.save(state_of("timm", "vit_tiny_patch16_224", img_size=64), tmp_path / "a.pt")
    guess = guess_model(tmp_path / "a.pt")
    assert (guess.spec["architecture"], guess.spec["image_size"]) == ("vit_tiny_patch16_224", 64)
    assert load_model(guess.spec, tmp_path).preprocessing.image_size == 64


def test_networks_that_share_their_weights_are_all_named(tmp_path: Path) -> None:
    """Name all: TensorFlow's paddings make other features of the same weights: only a person knows which it was."""
    torch.save(state_of("timm", "tf_mobilenetv3_small_minimal_100"), tmp_path / "a.pt")
    guess = guess_model(tmp_path / "a.pt")
    several = {guess.spec["architecture"], *(each.architecture for each in guess.alternatives)}
    assert "tf_mobilenetv3_small_minimal_100" in several
    chosen = guess_model(tmp_path / "a.pt", architecture="tf_mobilenetv3_small_minimal_100")
    assert (chosen.spec["architecture"], chosen.alternatives) == ("tf_mobilenetv3_small_minimal_100", ())


def test_a_resnet_with_other_normalization_layers_is_not_taken_for_the_plain_one() -> None:
    module, _ = build(NetworkName("timm", "resnet50_gn"))
    result, _ = identify({name: torch.empty(tensor.shape) for name, tensor in module.state_dict().items()})
    assert NetworkName("torchvision", "resnet50") in result  # by the matrices alone
    from neurontune_core.models.detect import _closest

    assert _closest(result, module.state_dict()) == [NetworkName("timm", "resnet50_gn")]


@pytest.mark.parametrize("kind", TEXT_FAMILIES)
def test_a_folder_with_a_text_model_is_one(tmp_path: Path, kind: str) -> None:
    folder = text_folder(tmp_path / "model", kind)
    assert guess_model(folder).spec == {"family": "huggingface_text", "weights": str(folder)}


@pytest.mark.parametrize("kind", IMAGE_FAMILIES)
def test_a_folder_with_an_image_model_is_one(tmp_path: Path, kind: str) -> None:
    folder = image_folder(tmp_path / "model", kind)
    expected = {"family": "huggingface_image", "weights": str(folder)}
    assert guess_model(folder).spec == guess_model(folder / "model.safetensors").spec == expected


def test_a_folder_as_timm_pushes_it_brings_its_preprocessing(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(state_of("timm", "resnet10t"), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(
        '{"architecture": "resnet10t", "num_classes": 3, "pretrained_cfg": {"mean": [0.5, 0.5, 0.5], '
        '"std": [0.25, 0.25, 0.25], "interpolation": "bicubic"}}'
    )
    model = load_model(guess_model(tmp_path).spec, tmp_path)
    assert (model.architecture, model.num_classes) == ("resnet10t", 3)
    assert (model.preprocessing.mean, model.preprocessing.std) == ((0.5,) * 3, (0.25,) * 3)


def test_unknown_weights_are_described_and_the_ways_out_are_named(tmp_path: Path) -> None:
    torch.save({"first.weight": torch.ones(7, 5), "second.weight": torch.ones(2, 7)}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"first\.weight \[7, 5\].*--entry module:function"):
        guess_model(tmp_path / "a.pt")
    with pytest.raises(InputError, match='no network "no_such_net"'):
        guess_model(tmp_path / "a.pt", architecture="no_such_net")
    with pytest.raises(InputError, match="There is no weights file"):
        guess_model(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"of checkpoints it has none"):
        guess_model(tmp_path / "empty")


class Evil:
    def __reduce__(self):
        return os.system, ("echo ran > evil.txt",)


def test_nothing_in_a_checkpoint_runs_while_it_is_recognized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": state_of("cifar_resnet", "resnet20"), "more": Evil()}, "a.pt")
    with pytest.raises(InputError, match="refused, and nothing in it ran"):
        guess_model("a.pt")
    assert not Path("evil.txt").exists()


def test_the_index_knows_every_network_of_the_installed_libraries() -> None:
    """Check the index; when this fails, a library is of another version: ``python -m
    neurontune_core.models.known_networks``."""
    index = read_index()
    known = {NetworkName(*each) for networks in index["networks"].values() for each in networks}
    single = {
        name
        for name in timm.list_models()
        if isinstance(timm.get_pretrained_cfg(name, allow_unregistered=False).classifier, str)
    }
    assert single <= {each.architecture for each in known if each.family == "timm"}
    for network in sorted(known)[::130]:
        module, classifier = build(network)
        result = digest({name: tensor.shape for name, tensor in module.state_dict().items()}, classifier)
        assert list(network) in index["networks"][result]


@pytest.mark.parametrize(
    ("positions", "patch", "size"),
    [(196, 16, 224), (197, 16, 224), (201, 14, 196), (14 * 16, 16, None), (13 * 15, 16, None)],
)
def test_a_position_table_that_is_no_square_tells_no_image_size(positions: int, patch: int, size: int | None) -> None:
    """Count positions with class and register tokens in front; 14 x 16 of them are no square."""
    state = {"pos_embed": torch.zeros(1, positions, 8), "patch_embed.proj.weight": torch.zeros(8, 3, patch, patch)}
    assert _image_size(state) == size
