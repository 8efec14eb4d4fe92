"""Checkpoints as training scripts write them: wrapped, doubled, pruned, with other objects, heads and files."""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.models import load_model
from neurontune_core.models.checkpoints import read_checkpoint
from neurontune_core.models.detect import guess_model

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def original() -> Any:
    spec = {"family": "cifar_resnet", "architecture": "resnet20", "weights": "random", "num_classes": 3}
    return load_model(spec, ".")


@pytest.fixture
def state(original: Any) -> State:
    return {name: tensor.clone() for name, tensor in original.module.state_dict().items()}


def saved(content: Any, file: Path) -> Path:
    torch.save(content, file)
    return file


def loaded(file: Path, **changes: Any) -> Any:
    guess = guess_model(file, weights_key=changes.get("weights_key"))
    assert guess.spec["architecture"] == "resnet20"
    return load_model(guess.spec | changes, ".")


def other(state: State) -> State:
    return {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def under(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


WRAPPERS: dict[str, Callable[[State], Any]] = {
    "net": lambda state: {"net": state, "acc": 91.0, "epoch": 3},
    "net and statistics": lambda state: {"net": state, "mean": torch.zeros(3), "std": torch.ones(3)},
    "WILDS": lambda state: {"algorithm": under("model.", state), "epoch": 3, "best_val_metric": 0.8},
    "SubpopBench": lambda state: {"args": {}, "model_dict": under("network.", state), "num_labels": 2},
    "deep": lambda state: {"a": {"b": {"c": {"weights": state}}}},
    "optimizer": lambda state: {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(10**6)}}}},
    "FSDP": lambda state: {f"_fsdp_wrapped_module.{n.replace('layer1.', 'layer1._fsdp_wrapped_module.')}": t
                           for n, t in state.items()},
    "compiled": lambda state: under("_orig_mod.", state),
    "compiled inside": lambda state: {n.replace("layer2.", "layer2._orig_mod."): t for n, t in state.items()},
    "DataParallel in Lightning": lambda state: {"state_dict": under("model.module.", state), "epoch": 3},
    "robustness": lambda state: {"model": under("module.model.", state) | under("module.attacker.model.", state)},
    "pruned": lambda state: {("conv1.weight_orig" if n == "conv1.weight" else n): t for n, t in state.items()}
                            | {"conv1.weight_mask": torch.ones_like(state["conv1.weight"])},
    "timm's script": lambda state: {"state_dict": state, "args": argparse.Namespace(model="resnet20"), "epoch": 1},
    "paths and dates": lambda state: {"net": state, "where": Path("x"), "when": datetime.datetime(2026, 1, 1)},
    "numpy": lambda state: {"net": state, "acc": np.float64(0.5), "weights": np.ones(2), "names": np.array(["a"])},
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrapped_weights_are_found_and_are_the_network(tmp_path: Path, original: Any, state: State, name: str) -> None:
    model = loaded(saved(WRAPPERS[name](state), tmp_path / "model.pth"))
    assert model.fingerprint() == original.fingerprint()
    assert model.head() is not None
    assert not model.loading.doubts


@pytest.mark.parametrize(
    ("wrap", "key"),
    [
        (lambda raw, ema: {"state_dict": raw, "state_dict_ema": ema}, "state_dict_ema"),
        (lambda raw, ema: {"model_ema": ema, "model": raw}, "model_ema"),
        (lambda raw, ema: {"state_dict": under("model.", raw) | under("ema_model.module.", ema)},
         "state_dict.ema_model.module"),
        (lambda raw, ema: under("student.", raw) | under("teacher.", ema), "teacher"),
        (lambda raw, ema: {"student": under("module.backbone.", raw), "teacher": under("backbone.", ema)}, "teacher"),
    ],
)  # fmt: skip
def test_an_average_of_the_weights_is_mentioned_and_taken_by_its_key(
    tmp_path: Path, original: Any, state: State, wrap: Callable[[State, State], Any], key: str
) -> None:
    file = saved(wrap(state, other(state)), tmp_path / "model.pth")
    model = loaded(file)
    assert model.fingerprint() == original.fingerprint()
    (doubt,) = model.loading.doubts
    assert (doubt.level, doubt.flags) == ("warning", f"--weights-key {key}")
    average = loaded(file, weights_key=key)
    assert torch.equal(average.module.state_dict()["conv1.weight"], state["conv1.weight"] + 1)
    with pytest.raises(InputError, match='has no weights under "nothing"; it has'):
        read_checkpoint(file, "nothing")


def test_pruned_weights_are_multiplied(tmp_path: Path, state: State) -> None:
    mask = torch.zeros_like(state["conv1.weight"])
    content = {("conv1.weight_orig" if n == "conv1.weight" else n): t for n, t in state.items()}
    model = loaded(saved(content | {"conv1.weight_mask": mask}, tmp_path / "model.pth"))
    assert not model.module.state_dict()["conv1.weight"].any()
    assert "1 pruned weights were multiplied by their masks." in model.loading.sentences()


def test_a_head_without_a_bias_has_one_of_zero_and_missing_statistics_are_named(tmp_path: Path, state: State) -> None:
    without = {name: tensor for name, tensor in state.items() if name != "linear.bias"}
    head = loaded(saved(without, tmp_path / "model.pth")).head()
    np.testing.assert_array_equal(head.weight, state["linear.weight"].numpy())
    assert not head.bias.any()
    parameters = {name: tensor for name, tensor in state.items() if "running" not in name and "num_b" not in name}
    with pytest.raises(InputError, match=r"no running statistics .*save the network's state_dict\(\)"):
        loaded(saved(parameters, tmp_path / "parameters.pth"))


@pytest.mark.parametrize("names", [("head.fc", "backbone."), ("cls_head", "encoder."), ("network.1", "network.0.")])
def test_a_head_beside_the_backbone_is_found_by_its_shape(
    tmp_path: Path, original: Any, state: State, names: tuple[str, str]
) -> None:
    head, prefix = names
    content = {
        name.replace("linear", head) if name.startswith("linear") else f"{prefix}{name}": tensor
        for name, tensor in state.items()
    }
    model = loaded(saved(content, tmp_path / "model.pth"))
    assert model.fingerprint() == original.fingerprint()
    assert f'The head is stored as "{head}"' in " ".join(model.loading.sentences())


@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        ("mobilenet_v3_small", nn.Linear(576, 3)),
        ("mobilenet_v3_small", nn.Linear(1024, 3)),
        ("mobilenet_v2", nn.Linear(1280, 3)),
        ("squeezenet1_0", None),
    ],
)
def test_a_classifier_that_was_replaced_by_one_linear_layer_is_the_head(
    tmp_path: Path, architecture: str, head: nn.Linear | None
) -> None:
    network = torchvision.models.get_model(architecture, weights=None).eval()
    if head is None:  # a network whose last layer is a convolution
        with pytest.raises(InputError, match="linear layer"):
            load_model({"family": "torchvision", "architecture": architecture, "weights": "random"}, ".")
        return
    if head.in_features == 1024:
        network.classifier[3] = head
    else:
        network.classifier = head
    spec = guess_model(saved(network.state_dict(), tmp_path / "model.pth")).spec
    assert (spec["family"], spec["architecture"]) == ("torchvision", architecture)
    model = load_model(spec | {"image_size": 32}, ".")
    assert (model.num_classes, model.num_neurons) == (3, head.in_features)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(model.logits(images), network(images))
        torch.testing.assert_close(
            torch.from_numpy(model.head().logits(model.embed(images).numpy())), network(images), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize(
    "names",
    [("0.mean", "0.std", "1."), ("normalizer.new_mean", "normalizer.new_std", "model."), ("mu", "sigma", "net.")],
)
@pytest.mark.parametrize("scale", [1, 255])
def test_a_normalizing_first_layer_is_the_preprocessing(
    tmp_path: Path, state: State, names: tuple[str, str, str], scale: int
) -> None:
    content = under(names[2], state)
    content |= {names[0]: torch.full((1, 3, 1, 1), 0.75 * scale), names[1]: torch.full((3, 1, 1), 0.05 * scale)}
    model = loaded(saved(content, tmp_path / "model.pth"))
    np.testing.assert_allclose(model.preprocessing.mean, [0.75] * 3, rtol=1e-6)
    np.testing.assert_allclose(model.preprocessing.std, [0.05] * 3, rtol=1e-6)
    assert model.preprocessing_from == f"the checkpoint's own {names[0]} and {names[1]}"
    asked = loaded(tmp_path / "model.pth", preprocessing={"mean": [0.5] * 3, "std": [0.5] * 3})
    assert asked.preprocessing.mean == (0.5, 0.5, 0.5)


def test_one_logit_becomes_two_that_answer_the_same(original: Any) -> None:
    spec = {"family": "cifar_resnet", "architecture": "resnet20", "weights": "random", "num_classes": 1}
    one, two = load_model(spec, "."), load_model(spec | {"two_logits": True}, ".")
    images = torch.randn(40, 3, 32, 32) * 3
    single, pair = one.logits(images)[:, 0], two.logits(images)
    torch.testing.assert_close(pair, torch.stack([-single, single], dim=1) / 2, atol=1e-5, rtol=1e-5)
    assert two.num_classes == 2
    with pytest.raises(InputError, match="has no last layer with one output"):
        load_model({**spec, "num_classes": 3, "two_logits": True}, ".")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64, "pointer of Git LFS.*git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page, not weights.*download it again"),
        (b"  <html lang='en'>", "web page"),
        (b"\x89HDF\r\n\x1a\n" + b"0" * 99, "HDF5 file, as Keras writes it"),
        (b"\x08\x07\x12\x07pytorch" + b"0" * 99, "ONNX model"),
        (b"GGUF" + b"0" * 99, "GGUF file"),
        (b"\x1f\x8b" + b"0" * 99, "gzip; unpack it first"),
        (b"\x93NUMPY" + b"0" * 99, "array of numpy"),
        (b"", "is empty"),
    ],
)
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_file_that_is_no_weights_is_called_what_it_is(
    tmp_path: Path, content: bytes, sentence: str, ending: str
) -> None:
    file = tmp_path / f"model{ending}"
    file.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        guess_model(file)


def test_a_torchscript_program_is_called_one(tmp_path: Path) -> None:
    torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "script.pt"))
    with pytest.raises(InputError, match="is a TorchScript program"):
        read_checkpoint(tmp_path / "script.pt")


@pytest.mark.parametrize(
    ("tensor", "sentence"),
    [
        (torch.zeros(1, 1).expand(10**5, 10**5), "its tensors have .* MiB of numbers, but the file holds"),
        (torch.zeros(2, 2).to_sparse(), "holds no plain numbers"),
        (torch.zeros(2, 2, dtype=torch.complex64), "holds no plain numbers"),
        (torch.zeros(2, 2, device="meta"), "holds no plain numbers|cannot read|nothing in it ran"),
    ],
)
def test_tensors_without_plain_numbers_behind_them_are_refused(
    tmp_path: Path, tensor: torch.Tensor, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read_checkpoint(saved({"fc.weight": tensor, "fc.bias": torch.zeros(2)}, tmp_path / "model.pth"))


def test_a_structure_that_holds_itself_or_a_million_names_ends(tmp_path: Path) -> None:
    endless: dict[str, Any] = {"epoch": 3}
    endless["again"] = endless
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_checkpoint(saved(endless, tmp_path / "endless.pth"))
    number = torch.zeros(1)
    many = {f"layer{index}.weight": number for index in range(100_001)}
    with pytest.raises(InputError, match="over 100,000 tensors"):
        read_checkpoint(saved(many, tmp_path / "many.pth"))


def test_weights_in_shards_and_a_single_variant_are_read(tmp_path: Path, state: State) -> None:
    from transformers import AutoModelForImageClassification

    from tests.support.tiny_huggingface import image_folder

    folder = image_folder(tmp_path / "vit", "vit")
    whole = load_model({"family": "huggingface_image", "weights": str(folder)}, ".").fingerprint()
    network = AutoModelForImageClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    network.save_pretrained(folder, max_shard_size="10KB")
    assert (folder / "model.safetensors.index.json").is_file()
    assert load_model({"family": "huggingface_image", "weights": str(folder)}, ".").fingerprint() == whole
    next(folder.glob("model-00001-of-*")).unlink()
    with pytest.raises(InputError, match=r"There is no checkpoint .*00001"):
        load_model({"family": "huggingface_image", "weights": str(folder)}, ".")
    for file in folder.glob("model*"):
        file.unlink()
    network.save_pretrained(folder, variant="fp16")
    assert load_model({"family": "huggingface_image", "weights": str(folder)}, ".").fingerprint() == whole
    (folder / "model.fp16.safetensors").unlink()
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="holds a LoRA adapter"):
        load_model({"family": "huggingface_image", "weights": str(folder)}, ".")


def test_a_model_of_several_labels_at_once_is_refused(tmp_path: Path) -> None:
    from tests.support.tiny_huggingface import text_folder

    folder = text_folder(tmp_path / "bert", "bert")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": "multi_label_classification"}))
    with pytest.raises(InputError, match="predicts several labels at once"):
        load_model({"family": "huggingface_text", "weights": str(folder)}, ".")
    features = load_model({"family": "huggingface_text", "weights": str(folder), "num_classes": 0}, ".")
    assert features.head() is None


def test_a_folder_of_timms_is_read_as_timm_reads_it(tmp_path: Path) -> None:
    import timm

    network = timm.create_model("resnet10t", num_classes=2, global_pool="max").eval()
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    settings = {"input_size": [3, 96, 96], "crop_pct": 1.0, "crop_mode": "squash", "interpolation": "bicubic"}
    settings |= {"mean": [0.4] * 3, "std": [0.3] * 3}
    config = {"architecture": "resnet10t", "num_classes": 2, "global_pool": "max", "label_names": ["dog", "cat"]}
    (tmp_path / "config.json").write_text(json.dumps(config | {"pretrained_cfg": settings}))
    model = load_model(guess_model(tmp_path).spec, ".")
    assert model.loading.class_names == ("dog", "cat")
    picture = torchvision.transforms.functional.to_pil_image(torch.rand(3, 50, 70))
    transform = timm.data.create_transform(**timm.data.resolve_data_config(settings))
    theirs = transform(picture).numpy()
    np.testing.assert_allclose(model.prepare(picture), theirs, atol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(model.logits(torch.from_numpy(theirs)[None]), network(transform(picture)[None]))
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_args": {"width": 10**9}}))
    with pytest.raises(InputError, match='argument "width" is none that is read'):
        load_model(guess_model(tmp_path).spec, ".")
