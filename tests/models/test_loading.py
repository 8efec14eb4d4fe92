"""Ways into the product: Lightning, headless and unusual checkpoints, CIFAR networks, Python entry points."""

from __future__ import annotations

import argparse
import enum
import os
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.models import load_model
from neurontune_core.models.base import ImageModel
from neurontune_core.models.fitting import Fit
from neurontune_core.models.preprocessing import Preprocessing

SPEC = {"family": "cifar_resnet", "architecture": "resnet20"}


def random_model(**spec: object) -> ImageModel:
    return load_model({**SPEC, "weights": "random", **spec}, ".")


def noise(model: ImageModel) -> torch.Tensor:
    size = model.preprocessing.image_size
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def saved(content: object, path: Path) -> dict:
    torch.save(content, path)
    return {**SPEC, "weights": path.name}


# --- CIFAR ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_cifar_resnets_have_the_published_number_of_parameters(depth: int) -> None:
    published = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}  # millions; He et al. 2016, Table 6
    model = random_model(architecture=f"resnet{depth}")
    count = sum(parameter.numel() for parameter in model.module.parameters()) / 1e6
    assert count == pytest.approx(published[depth], abs=0.005 if depth < 110 else 0.05)
    layers = [layer for layer in model.module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


@pytest.mark.long
@pytest.mark.parametrize(("name", "at_least"), [("resnet20-12fca82f.th", 0.78), ("resnet56-4bfd9763.th", 0.81)])
def test_cifar_checkpoints_recognize_pictures(shared_data: Path, name: str, at_least: float) -> None:
    """Check accuracy: published are 91.7 and 93.4 % on the images themselves; these are JPEGs of quality 75, which
    cost 10 points.

    Shortcuts that are padded on one side, in place of both, give 10 %.
    """
    folder = shared_data / "cifar_resnet"
    model = load_model({"family": "cifar_resnet", "architecture": name.split("-")[0], "weights": name}, folder)
    assert (model.loading.wrapper, model.loading.prefix) == ("state_dict", "module.")
    assert model.loading.sentences() == [
        'The weights were read from the checkpoint\'s "state_dict".',
        '"module." was taken off the names of the weights.',
    ]
    files = sorted((folder / "test_jpg").glob("*/*.jpg"))
    classes = sorted({file.parent.name for file in files})
    pixels = np.stack([model.preprocessing(Image.open(file).convert("RGB")) for file in files])
    head = model.head()
    assert head is not None
    predicted = head.predict(model.embed(torch.from_numpy(pixels)).numpy())
    assert np.mean(predicted == [classes.index(file.parent.name) for file in files]) >= at_least


# --- prefixes and Lightning ----------------------------------------------------------------------------------------


class Mode(enum.Enum):
    MIN = "min"


@pytest.mark.parametrize("prefix", ["model.", "net.", "backbone.", "student.module.encoder.", "_orig_mod."])
def test_a_lightning_checkpoint_loads_and_says_how(tmp_path: Path, prefix: str) -> None:
    original = random_model()
    state = {f"{prefix}{name}": tensor for name, tensor in original.module.state_dict().items()}
    content = {
        "state_dict": state | {"criterion.weight": torch.ones(10)},
        "pytorch-lightning_version": "2.4.0",
        "epoch": 3,
        "hyper_parameters": argparse.Namespace(lr=0.1, root=Path("x")),
        "callbacks": {"stopping": {"mode": Mode.MIN, "best": torch.tensor(1.0)}},
    }
    model = load_model(saved(content, tmp_path / "last.ckpt"), tmp_path)
    assert model.fingerprint() == original.fingerprint()
    assert (model.loading.wrapper, model.loading.prefix) == ("state_dict", prefix)
    sentences = " ".join(model.loading.sentences())
    for word in (
        f'"{prefix}" was taken off',
        '"criterion.weight"',
        "argparse.Namespace",
        "nothing in a checkpoint is run",
    ):
        assert word in sentences
    again = load_model(saved(content, tmp_path / "last.pth"), tmp_path)  # whatever the file is called
    assert again.fingerprint() == original.fingerprint()


class _Evil:
    def __init__(self, function: object, witness: Path) -> None:
        self.function, self.witness = function, witness

    def __reduce__(self) -> tuple:
        return self.function, (str(self.witness),)


@pytest.mark.parametrize("function", [os.mkdir, os.makedirs, Path.mkdir, eval])
def test_hyper_parameters_that_want_to_run_code_do_not_run(tmp_path: Path, function: object) -> None:
    witness = tmp_path / "it_ran"
    attack = _Evil(function, witness if function is not eval else Path(f"__import__('os').mkdir('{witness}')"))
    content = {"state_dict": random_model().module.state_dict(), "hyper_parameters": attack}
    with suppress(InputError):  # refused, or read without them
        load_model(saved(content, tmp_path / "evil.ckpt"), tmp_path)
    assert not witness.exists()


def test_the_prefix_that_fits_most_names_is_taken(tmp_path: Path) -> None:
    original = random_model()
    state = original.module.state_dict()
    content = {f"student.{name}": tensor for name, tensor in state.items()}
    content |= {f"ema.{name}": tensor + 1 for name, tensor in state.items() if "layer1" in name}
    model = load_model(saved(content, tmp_path / "m.pth"), tmp_path)
    assert model.fingerprint() == original.fingerprint()
    assert all(name.startswith("ema.") for name in model.loading.unexpected)


def test_names_beside_the_network_are_left_out_and_names_inside_it_refused(tmp_path: Path) -> None:
    state = random_model().module.state_dict()
    model = load_model(saved(state | {"projector.0.weight": torch.ones(2, 2)}, tmp_path / "m.pth"), tmp_path)
    assert model.loading.sentences() == ['Left out, as the network has no place for it: "projector.0.weight".']
    with pytest.raises(InputError, match=r'not one of "resnet20": it also has "layer3\.5\.conv1\.weight"'):
        load_model(saved(state | {"layer3.5.conv1.weight": torch.ones(2, 2)}, tmp_path / "m.pth"), tmp_path)


# --- heads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["num_classes 0", "no head in the checkpoint", "random"])
def test_a_backbone_without_a_head_is_a_feature_extractor(tmp_path: Path, how: str) -> None:
    whole = random_model()
    state = whole.module.state_dict()
    if how == "no head in the checkpoint":
        state = {name: tensor for name, tensor in state.items() if not name.startswith("linear")}
    spec = saved(state, tmp_path / "m.pth") | ({} if "checkpoint" in how else {"num_classes": 0})
    model = load_model(spec | ({"weights": "random"} if how == "random" else {}), tmp_path)
    assert (model.head(), model.num_classes, model.classifier_name, model.num_neurons) == (None, None, None, 64)
    torch.testing.assert_close(model.embed(noise(model)), whole.embed(noise(whole)))
    maps = model.channel_maps(noise(model))
    assert maps is not None
    torch.testing.assert_close(maps.mean(dim=(2, 3)), model.embed(noise(model)))
    sentences = " ".join(model.loading.sentences())
    assert ('"linear.weight"' in sentences) == (how != "random")


def test_a_backbone_may_be_given_a_fresh_head(tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in random_model().module.state_dict().items() if "linear" not in name}
    model = load_model(saved(state, tmp_path / "m.pth") | {"num_classes": 2}, tmp_path)
    assert (model.head(), model.num_classes, model.classifier_name) == (None, 2, "linear")


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [("resnet10t", {}, {}), ("vit_tiny_patch16_224", {"image_size": 64}, {"img_size": 64})],
)
def test_timm_backbones_give_timms_own_pooled_features(name: str, ours: dict, theirs: dict) -> None:
    import timm

    model = load_model({"family": "timm", "architecture": name, "weights": "random", "num_classes": 0, **ours}, ".")
    network = timm.create_model(name, num_classes=0, **theirs).eval()
    network.load_state_dict(model.module.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(model.embed(noise(model)), network(noise(model)))
    assert model.heatmap_tap() is not None


def test_a_head_in_a_sequence_is_used_when_that_is_agreed_to(tmp_path: Path) -> None:
    original = random_model(num_classes=4)
    state = original.module.state_dict()
    state = {name.replace("linear.", "linear.1."): tensor for name, tensor in state.items()}
    spec = saved(state, tmp_path / "m.pth")
    with pytest.raises(InputError, match=r'"linear\.1" is part of a sequence .* add "use_last_linear": true'):
        load_model(spec, tmp_path)
    model = load_model(spec | {"use_last_linear": True}, tmp_path)
    assert model.classifier_name == "linear.1"
    assert set(model.module.state_dict()) == set(state)
    assert "one linear layer" in model.loading.sentences()[0]
    torch.testing.assert_close(model.logits(noise(model)), original.logits(noise(model)))
    state["linear.4.weight"] = torch.ones(2, 4)
    with pytest.raises(InputError, match=r"has .linear\.1\.weight.*give the network as a Python entry point"):
        load_model(saved(state, tmp_path / "m.pth") | {"use_last_linear": True}, tmp_path)


def endings() -> dict[str, tuple[nn.Module, str]]:
    return {
        "log-softmax": (nn.LogSoftmax(dim=1), "a log-softmax"),
        "softmax": (nn.Softmax(dim=1), "a softmax"),
        "sigmoid": (nn.Sigmoid(), "a sigmoid"),
        "other": (nn.Tanh(), "something that changes its output"),
    }


@pytest.mark.parametrize("ending", endings())
def test_what_follows_the_last_linear_layer_is_said_and_allowed_on_agreement(ending: str) -> None:
    layer, words = endings()[ending]
    torch.manual_seed(0)
    body = [nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    module = nn.Sequential(*body, nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3), layer)
    small = Preprocessing(image_size=16, resize=16)
    with pytest.raises(InputError, match=rf'behind "6" comes {words}; to go by "6" alone, add "use_last_linear": true'):
        ImageModel(module, "mlp", small)
    model = ImageModel(module, "mlp", small, use_last_linear=True)
    assert words in model.loading.sentences()[-1]
    head = model.head()
    assert head is not None
    logits = torch.from_numpy(head.logits(model.embed(noise(model)).numpy()))
    torch.testing.assert_close(layer(logits), model.logits(noise(model)))


def test_a_head_of_several_layers_is_used_from_its_last_linear_layer_on() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    module.extend([nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)])
    model = ImageModel(module, "mlp", Preprocessing(image_size=16, resize=16))
    assert (model.classifier_name, model.num_neurons, model.loading) == ("5", 6, Fit())


# --- Python --------------------------------------------------------------------------------------------------------

ENTRY = """
from torch import nn
def build():
    open({witness!r}, "w")
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 5), nn.ReLU(), nn.Linear(5, 2))
def other():
    return 3
"""


def test_a_python_entry_point_runs_only_where_that_is_allowed(tmp_path: Path) -> None:
    witness = tmp_path / "it_ran"
    (tmp_path / "my_network_for_a_test.py").write_text(ENTRY.format(witness=str(witness)))
    spec = {"family": "python", "entry": "my_network_for_a_test:build", "image_size": 16}
    sentence = "A Python entry point runs code, so it is only loaded from the command line, with --entry {}."
    with pytest.raises(InputError, match=rf"^{re.escape(sentence.format(spec['entry']))}$"):
        load_model(spec, tmp_path)
    assert not witness.exists()
    model = load_model(spec, tmp_path, allow_python=True)
    assert (model.num_neurons, model.num_classes, model.classifier_name) == (5, 2, "3")
    torch.save({"net." + name: value + 1 for name, value in model.module.state_dict().items()}, tmp_path / "m.pth")
    changed = load_model(spec | {"weights": "m.pth"}, tmp_path, allow_python=True)
    torch.testing.assert_close(changed.module[3].weight, model.module[3].weight + 1)
    assert changed.loading.prefix == "net."
    for entry, message in (
        ("my_network_for_a_test:gone", "cannot be found"),
        ("no_such_module_at_all:build", "cannot be found"),
        ("my_network_for_a_test", 'write "module:function"'),
        ("my_network_for_a_test:other", "gives a int"),
    ):
        with pytest.raises(InputError, match=message):
            load_model(spec | {"entry": entry}, tmp_path, allow_python=True)
