"""Extraction: what is written, and that stopping, breaking and going on do not change it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.embeddings import EmbeddingSet, OverlappingGroups
from neurontune_core.errors import InputError
from neurontune_core.extraction.extract import Cancelled, choose_device, extract
from neurontune_core.head import LinearHead
from neurontune_core.models import load_model
from neurontune_core.models.base import ImageModel
from neurontune_core.models.preprocessing import Preprocessing
from neurontune_core.workspace.tasks import extract_project
from tests.support.image_layouts import hub_pictures

PICTURES, SIZE = 23, 32


@pytest.fixture
def data(tmp_path: Path):
    """Write 23 noise images of two classes, 20 in train and 3 in test."""
    rng = np.random.default_rng(0)
    root = tmp_path / "data"
    root.mkdir()
    rows = []
    for number in range(PICTURES):
        name = f"{number:02d}.png"
        Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)).save(root / name)
        rows.append({"filename": name, "y": number % 2, "split": 0 if number < 20 else 2, "place": number % 3 % 2})
    pd.DataFrame(rows).to_csv(root / "metadata.csv", index=False)
    return open_dataset({"format": "image_table"}, root)


@pytest.fixture
def model() -> ImageModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    return ImageModel(module, "tiny", Preprocessing(image_size=SIZE, resize=SIZE))


def test_each_row_is_the_models_embedding_of_its_picture(data, model: ImageModel, tmp_path: Path) -> None:
    result = extract(model, data, tmp_path / "out", split="train", batch_size=8, dtype="float32", device="cpu")
    assert (result.num_samples, result.num_neurons, result.split) == (20, 8, "train")
    for row, source in enumerate(result.sources):
        pixels = torch.from_numpy(model.preprocessing(data.open_source(source)))[None]
        np.testing.assert_allclose(result.embeddings[row], model.embed(pixels)[0].numpy(), atol=1e-6)
    rows = data.rows("train")
    assert result.labels.tolist() == rows["label"].tolist()
    assert result.groups.tolist() == rows["group"].tolist()
    assert result.group_names == data.group_names
    assert result.sample_ids.tolist() == rows["id"].tolist()
    assert result.provenance["extraction"]["model"] == model.fingerprint()
    assert result.provenance["extraction"]["preprocessing"]["resize"] == SIZE
    assert not list(tmp_path.glob("out.*"))


def test_half_precision_is_the_rounded_vector(data, model: ImageModel, tmp_path: Path) -> None:
    single = extract(model, data, tmp_path / "a", split="train", dtype="float32", device="cpu")
    half = extract(model, data, tmp_path / "b", split="train", device="cpu")
    np.testing.assert_array_equal(half.embeddings, single.embeddings.astype(np.float16))


@pytest.mark.parametrize("how", ["should_stop", "exception"])
def test_a_cancelled_extraction_goes_on_and_gives_the_same_bits(
    data, model: ImageModel, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = extract(model, data, tmp_path / "whole", split="train", batch_size=4, device="cpu")
    done: list[int] = []

    def progress(count: int, total: int, rate: float) -> None:
        done.append(count)
        assert total == 20
        assert rate > 0
        if how == "exception" and count == 12:
            raise KeyboardInterrupt

    def stop() -> bool:
        return how == "should_stop" and len(done) == 3

    options = {"split": "train", "batch_size": 4, "device": "cpu", "on_progress": progress}
    with pytest.raises((Cancelled, KeyboardInterrupt)):
        extract(model, data, tmp_path / "out", should_stop=stop, **options)
    assert not (tmp_path / "out").exists()
    seen = _count_embedded(model, monkeypatch)
    resumed = extract(model, data, tmp_path / "out", **options)
    assert done == [4, 8, 12, 16, 20]
    assert sum(seen) == 8  # the first twelve were not embedded again
    assert resumed.embeddings.tobytes() == whole.embeddings.tobytes()
    assert not (tmp_path / "out.partial").exists()


def test_rows_that_were_not_noted_before_a_kill_are_done_again(data, model: ImageModel, tmp_path: Path) -> None:
    whole = extract(model, data, tmp_path / "whole", split="train", batch_size=4, device="cpu")
    with pytest.raises(Cancelled):
        extract(model, data, tmp_path / "out", split="train", batch_size=4, device="cpu", should_stop=_after(3))
    note = tmp_path / "out.partial" / "progress.json"
    content = json.loads(note.read_text())
    assert content["done"] == 12
    note.write_text(json.dumps(content | {"done": 8}))
    torn = np.load(tmp_path / "out.partial" / "embeddings.npy", mmap_mode="r+")
    torn[8:] = np.nan
    torn.flush()
    resumed = extract(model, data, tmp_path / "out", split="train", batch_size=4, device="cpu")
    assert resumed.embeddings.tobytes() == whole.embeddings.tobytes()


def test_work_of_another_model_is_not_gone_on_with(data, model: ImageModel, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        extract(model, data, tmp_path / "out", split="train", batch_size=4, device="cpu", should_stop=_after(3))
    model.module[0].bias += 1
    result = extract(model, data, tmp_path / "out", split="train", batch_size=4, device="cpu")
    fresh = extract(model, data, tmp_path / "fresh", split="train", batch_size=4, device="cpu")
    np.testing.assert_array_equal(result.embeddings, fresh.embeddings)


def test_a_finished_set_is_opened_unless_model_or_pictures_changed(
    data, model: ImageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = extract(model, data, tmp_path / "out", split="train", device="cpu")
    seen = _count_embedded(model, monkeypatch)
    extract(model, data, tmp_path / "out", split="train", device="cpu")
    assert sum(seen) == 0
    Image.new("RGB", (SIZE, SIZE), "white").save(data.root / "00.png")
    second = extract(model, data, tmp_path / "out", split="train", device="cpu")
    assert sum(seen) == 20
    assert np.any(first.embeddings[0] != second.embeddings[0])
    np.testing.assert_array_equal(EmbeddingSet.load(tmp_path / "out").embeddings, second.embeddings)


def test_a_replaced_shard_is_noticed(model: ImageModel, tmp_path: Path) -> None:
    hub_pictures(tmp_path)
    data = open_dataset(guess_dataset(tmp_path).spec, tmp_path)
    before = extract(model, data, tmp_path / "out", split="train", device="cpu")
    shard = tmp_path / before.sources[0].rpartition("#")[0]
    os.utime(shard, ns=(0, 0))
    again = extract(model, data, tmp_path / "out", split="train", device="cpu")
    assert again.provenance["extraction"] != before.provenance["extraction"]


def test_an_unreadable_picture_is_left_out_and_named(data, model: ImageModel, tmp_path: Path) -> None:
    whole = extract(model, data, tmp_path / "whole", split="train", batch_size=4, dtype="float32", device="cpu")
    (data.root / "05.png").write_bytes(b"broken")
    (data.root / "09.png").unlink()
    result = extract(model, data, tmp_path / "out", split="train", batch_size=4, dtype="float32", device="cpu")
    kept = [row for row in range(20) if row not in (5, 9)]
    assert result.sources.tolist() == [f"{row:02d}.png" for row in kept]
    assert result.labels.tolist() == [row % 2 for row in kept]
    np.testing.assert_allclose(result.embeddings, whole.embeddings[kept], atol=1e-6)
    reasons = result.provenance["unreadable"]
    assert '"05.png" cannot be read' in reasons[0]
    assert '"09.png" is not in' in reasons[1]


def test_overlapping_groups_are_those_of_the_rows_that_are_kept(data, model: ImageModel, tmp_path: Path) -> None:
    members = np.random.default_rng(1).random((PICTURES, 3)) < 0.5
    grouped = replace(data, overlapping_groups=OverlappingGroups(("a", "b", "c"), members))
    (data.root / "21.png").write_bytes(b"broken")
    (data.root / "05.png").write_bytes(b"broken")
    train = extract(model, grouped, tmp_path / "train", split="train", batch_size=4, device="cpu").overlapping_groups
    assert train is not None
    assert train.names == ("a", "b", "c")
    np.testing.assert_array_equal(train.members, members[[row for row in range(20) if row != 5]])
    splits = ["train"] * 5 + ["test"] * 15 + ["train"] * 3  # from the middle of the table
    other = replace(grouped, samples=data.samples.assign(split=splits))
    middle = extract(model, other, tmp_path / "test", split="test", batch_size=4, device="cpu").overlapping_groups
    assert middle is not None
    np.testing.assert_array_equal(middle.members, members[6:20])


@pytest.mark.parametrize("broken", [3, 20])
def test_too_many_unreadable_pictures_are_an_error_that_names_the_first(
    data, model: ImageModel, tmp_path: Path, broken: int
) -> None:
    for number in range(broken):
        (data.root / f"{number:02d}.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=rf'{broken} of 20 images .* cannot be read.*"00.png".*"02.png"'):
        extract(model, data, tmp_path / "out", split="train", device="cpu")


def test_vectors_that_are_not_finite_are_refused_by_name(data, model: ImageModel, tmp_path: Path) -> None:
    model.module[0].bias += 1e5  # beyond half precision
    with pytest.raises(InputError, match=r'vectors of 00.png, 01.png, 02.png .* too large for float16.*"float32"'):
        extract(model, data, tmp_path / "out", split="train", device="cpu")
    extract(model, data, tmp_path / "out", split="train", device="cpu", dtype="float32")
    model.module[0].bias += float("nan")
    with pytest.raises(InputError, match=r"NaN or infinity for 20.png, 21.png, 22.png"):
        extract(model, data, tmp_path / "test", split="test", device="cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "val"}, r'no samples in split "val"; it has \[\'train\', \'test\'\]'),
        ({"dtype": "int8"}, 'dtype has the value "int8"'),
        ({"batch_size": 0}, "batch_size of at least 1"),
        ({"device": "tpu"}, '"tpu" is not on this machine'),
    ],
)
def test_settings_that_cannot_be_are_refused(
    data, model: ImageModel, tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        extract(model, data, tmp_path / "out", **{"split": "train", "device": "cpu"} | options)


def test_auto_is_a_device_that_is_there() -> None:
    assert choose_device() == (
        "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    )


def test_a_job_makes_a_project_from_two_specs(data, tmp_path: Path) -> None:
    reports: list[dict] = []
    config = {
        "model": {
            "family": "torchvision",
            "architecture": "resnet18",
            "weights": "random",
            "num_classes": 2,
            "image_size": 32,
        },
        "dataset": {"format": "image_table", "root": "data"},
        "base": str(tmp_path),
        "out": str(tmp_path / "project"),
        "device": "cpu",
        "batch_size": 8,
        "title": "Noise",
    }
    project = extract_project(config, lambda **facts: reports.append(facts))
    assert json.loads((tmp_path / "project" / "project.json").read_text()) == project
    assert project["embeddings"] == {"train": "embeddings/train", "test": "embeddings/test"}
    assert project["roles"] == {"identification": "train", "tuning": "train", "evaluation": "test"}
    assert project["title"] == "Noise"
    assert [facts["done"] for facts in reports] == [0, 8, 16, 20, 23]
    assert {facts["total"] for facts in reports} == {23}
    test = EmbeddingSet.load(tmp_path / "project" / project["embeddings"]["test"])
    head = LinearHead.load(tmp_path / "project" / project["head"])
    assert head.class_names == test.class_names
    model = load_model(project["model"], tmp_path / "project")
    again = open_dataset(project["dataset"], tmp_path / "project")
    pixels = np.stack([model.preprocessing(again.open_source(source)) for source in test.sources])
    with torch.inference_mode():
        expected = model.module(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(head.logits(test.embeddings), expected, atol=2e-2)  # the vectors are float16


def test_a_head_for_other_classes_is_not_written(data, tmp_path: Path) -> None:
    config = {
        "model": {"family": "torchvision", "architecture": "resnet18", "weights": "random", "image_size": 32},
        "dataset": {"format": "image_table", "root": "data"},
        "base": str(tmp_path),
        "out": str(tmp_path / "project"),
        "splits": ["test"],
        "device": "cpu",
    }
    assert extract_project(config, lambda **_: None)["head"] is None
    assert not (tmp_path / "project" / "head.safetensors").exists()


def _after(batches: int):
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > batches

    return stop


def _count_embedded(model: ImageModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    embed = model.embed

    def counting(batch: torch.Tensor) -> torch.Tensor:
        seen.append(len(batch))
        return embed(batch)

    monkeypatch.setattr(model, "embed", counting)
    return seen
