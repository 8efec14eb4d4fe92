"""What training does to a model spec: which head it starts with, and that what it writes opens by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurontune_core.datasets import Dataset, open_dataset
from neurontune_core.datasets.hold_out import held_out, kept_back
from neurontune_core.errors import InputError
from neurontune_core.models import load_model
from neurontune_core.training.config import TrainConfig
from neurontune_core.training.job import dataset_of, train_model
from neurontune_core.training.loop import train
from neurontune_core.training.network import open_trainable
from neurontune_core.training.splits import with_splits
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.tasks import extract_project
from tests.support.tiny_huggingface import image_folder
from tests.support.tiny_training import IMAGE_MODEL, QUICK, bars, text_model, verdicts

ONE = replace(QUICK, epochs=1, augment="none")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return bars(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return verdicts(tmp_path_factory.mktemp("texts"))


def vit(root: Path) -> dict[str, Any]:
    return {"family": "huggingface_image", "weights": str(image_folder(root / "vit", "vit", cls="AutoModel"))}


def resnet_of_three(root: Path) -> dict[str, Any]:
    folder = image_folder(root / "resnet", "resnet", num_labels=3)
    return {"family": "huggingface_image", "weights": str(folder), "image_size": 32}


MODELS = {
    "cifar_resnet": lambda root: IMAGE_MODEL,
    "backbone for images": vit,
    "head for other classes": resnet_of_three,
    "timm": lambda root: {"family": "timm", "architecture": "test_resnet", "weights": "random", "image_size": 32},
    "text classifier for other classes": lambda root: text_model(
        root, "distilbert", "AutoModelForSequenceClassification", num_labels=3
    ),
    "text backbone with a pooler": lambda root: text_model(root, "bert"),
    "text backbone without one": lambda root: text_model(root, "electra"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_what_training_writes_opens_by_itself_and_gives_the_same_logits(
    name: str, pictures: Dataset, texts: Dataset, tmp_path: Path
) -> None:
    dataset = texts if "text" in name else pictures
    spec = MODELS[name](tmp_path)
    trained = train(spec, dataset, tmp_path / "out", ONE)
    network, _, _ = open_trainable(spec, tmp_path, dataset, ONE)
    again = load_model({"weights": "out"}, tmp_path)
    assert again.num_classes == 2
    assert again.head() is not None
    assert again.module.state_dict().keys() == network.module.state_dict().keys()
    assert again.fingerprint() != network.fingerprint()
    by_file = load_model({"weights": str(tmp_path / "out" / "model.json"), "family": "torchvision"}, tmp_path)
    by_folder = load_model({"weights": "out", "family": "torchvision", "architecture": "resnet50"}, tmp_path)
    assert by_file.fingerprint() == by_folder.fingerprint() == again.fingerprint()
    assert json.loads((tmp_path / "out" / "model.json").read_text())["start"] == spec
    network.module.load_state_dict(again.module.state_dict())
    samples = [dataset.open_sample(source) for source in dataset.samples["source"][:4]]
    one, two = (model.logits(model.batch([model.prepare(each) for each in samples])) for model in (network, again))
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert trained.spec["weights"] in ("model", "model.safetensors")


def test_a_pooler_is_followed_by_relu_and_dropout_and_feeds_the_head(texts: Dataset, tmp_path: Path) -> None:
    network, spec, _ = open_trainable(text_model(tmp_path), tmp_path, texts, ONE)
    assert spec["pooling"] == "pooler"
    batch = network.batch(["the film was great", "a movie"])
    with torch.no_grad():
        pooled = network.module.backbone(**batch).pooler_output
    torch.testing.assert_close(network.embed(batch), pooled.clamp(min=0))
    network.module.train()
    torch.manual_seed(0)
    noisy = network.embed(batch)
    zeroed = (noisy == 0) & (pooled > 0)
    kept = (noisy > 0) & (pooled > 0)
    assert zeroed.any()
    assert noisy[kept].mean() > pooled[kept].mean(), "what dropout keeps is scaled up"


def test_a_sentence_encoder_keeps_its_own_pooling(texts: Dataset, tmp_path: Path) -> None:
    spec = text_model(tmp_path)
    (tmp_path / "bert" / "1_Pooling").mkdir()
    (tmp_path / "bert" / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert open_trainable(spec, tmp_path, texts, ONE)[1]["pooling"] == "cls"
    assert open_trainable(text_model(tmp_path, "electra"), tmp_path, texts, ONE)[1]["pooling"] == "mean"


def test_a_fitting_head_is_trained_on_and_another_gives_way(pictures: Dataset, tmp_path: Path) -> None:
    train(IMAGE_MODEL, pictures, tmp_path / "first", ONE)
    own = load_model({"weights": "first"}, tmp_path).head()
    assert own is not None
    network, _, remarks = open_trainable({"weights": "first"}, tmp_path, pictures, ONE)
    weight = network.module.get_submodule(str(network.classifier_name)).weight
    np.testing.assert_array_equal(weight.numpy(), own.weight)
    assert not remarks
    network, _, _ = open_trainable({"weights": "first"}, tmp_path, pictures, replace(ONE, fresh_head=True))
    assert not np.array_equal(network.module.get_submodule(str(network.classifier_name)).weight.numpy(), own.weight)
    _, _, remarks = open_trainable(resnet_of_three(tmp_path), tmp_path, pictures, ONE)
    assert "Its own last layer is for 3 classes" in remarks[-1]


def test_pictures_are_prepared_as_the_recipe_of_their_data_set_says(pictures: Dataset, tmp_path: Path) -> None:
    recipe = {"image_size": 24, "resize": 30, "resize_mode": "squash"}
    spec = {name: value for name, value in IMAGE_MODEL.items() if name != "image_size"}
    as_published = replace(pictures, preprocessing=recipe | {"image_size": 32, "resize": 40})
    network, _, _ = open_trainable(spec, tmp_path, as_published, ONE)
    assert (network.preprocessing.resize, network.preprocessing.resize_mode) == (40, "squash")
    network, _, _ = open_trainable(spec, tmp_path, replace(pictures, preprocessing=recipe), ONE)
    result = network.preprocessing  # the recipe at the size of the network's own input
    assert (result.image_size, result.resize, result.resize_mode) == (32, 40, "squash")


def test_a_training_becomes_a_project_with_its_head_and_its_held_out_samples(tmp_path: Path) -> None:
    dataset = bars(tmp_path / "data", ("",), each=10)
    spec = {"format": "image_folder", "root": "data"}
    assert dataset.splits == ("",)
    config = {"model": IMAGE_MODEL, "dataset": spec, "base": str(tmp_path), "out": str(tmp_path / "out")}
    made = train_model(config | {"settings": {"epochs": 1, "batch_size": 8}}, lambda **_: None)
    project = {"model": {"weights": made["model"]}, "dataset": made["dataset"], "base": str(tmp_path)}
    extract_project(project | {"out": str(tmp_path / "project")}, lambda **_: None)
    opened = Project.at(tmp_path / "project")
    assert opened.content["model"]["architecture"] == "resnet20"
    counts = {role: opened.load_set(role).num_samples for role in ("identification", "tuning", "evaluation")}
    assert counts == {"identification": 4, "tuning": 12, "evaluation": 4}
    notes = json.loads((tmp_path / "out" / "model.json").read_text())
    assert notes["samples"] == {"train": 12, "val": 4}
    assert opened.load_head().num_classes == 2


def test_held_out_samples_are_seeded_shared_by_class_and_taken_from_training_alone(tmp_path: Path) -> None:
    dataset = bars(tmp_path, ("train", "test"), each=10)
    one, again, other = (held_out(dataset, {"share": 0.2, "seed": seed}) for seed in (0, 0, 1))
    assert one.samples.equals(again.samples)
    assert not one.samples.equals(other.samples)
    assert one.rows("val")["label"].value_counts().to_dict() == {0: 2, 1: 2}
    assert one.rows("test").equals(dataset.rows("test"))
    assert open_dataset({"format": "image_folder", "root": ".", "hold_out": {}}, tmp_path).splits == (
        "train",
        "val",
        "test",
    )
    assert held_out(one, {"share": 0.5}) is one


def test_a_part_of_training_is_kept_back_for_afr_and_extraction_has_the_same_part(tmp_path: Path) -> None:
    dataset = bars(tmp_path, ("train", "val", "test"), each=10)
    config = TrainConfig(keep_back=0.2, seed=3)
    split, remarks = with_splits(dataset, config)
    assert remarks == []
    assert split.rows("reweight")["label"].value_counts().to_dict() == {0: 2, 1: 2}
    assert len(split.rows("train")) == 16
    assert set(split.rows("reweight")["id"]) <= set(dataset.rows("train")["id"])
    assert split.rows("val").equals(dataset.rows("val"))
    spec = dataset_of({"format": "image_folder", "root": "."}, tmp_path, dataset.splits, config)
    assert open_dataset(spec, tmp_path).rows("reweight").equals(split.rows("reweight"))
    assert "keep_back" not in dataset_of({"format": "image_folder"}, tmp_path, dataset.splits, TrainConfig())
    with pytest.raises(InputError, match=r"share to keep back above 0 and at most 0\.5"):
        kept_back(dataset, {"share": 0.7})


def test_the_share_that_is_held_out_is_rounded_to_the_nearest_count(tmp_path: Path) -> None:
    dataset = held_out(bars(tmp_path, ("train",), each=8), {"share": 0.2})  # 1.6 of 8
    assert dataset.rows("val")["label"].value_counts().to_dict() == {0: 2, 1: 2}


def test_too_few_samples_of_a_class_cannot_be_held_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='Class "lies" has 1 samples, too few'):
        held_out(bars(tmp_path, ("train",), each=1), {"share": 0.2})


def test_a_model_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"format": "something else"}')
    with pytest.raises(InputError, match="is not a trained model"):
        load_model({"weights": "model.json"}, tmp_path)
