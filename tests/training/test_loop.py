"""Training: what is learned, what is kept, what a stop costs, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neurontune_core.datasets import Dataset, guess_dataset, open_dataset
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.extraction.extract import Cancelled, extract
from neurontune_core.jobs.store import JobStore
from neurontune_core.models import load_model
from neurontune_core.training.config import TrainConfig
from neurontune_core.training.history import read_history
from neurontune_core.training.loop import train
from tests.support.layouts import picture
from tests.support.tiny_training import IMAGE_MODEL, QUICK, bars, text_model, verdicts

TEXTS = replace(QUICK, optimizer="adamw", learning_rate=3e-3, schedule="linear", augment="none")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return bars(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, dict[str, Any]]:
    root = tmp_path_factory.mktemp("texts")
    return verdicts(root / "data", each=16), text_model(root)


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    result = next(file for file in folder.rglob("model.safetensors"))
    return load_file(result)


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_planted_pattern_in_pictures_is_learned(pictures: Dataset, tmp_path: Path) -> None:
    history = train(IMAGE_MODEL, pictures, tmp_path, replace(QUICK, epochs=8)).history
    assert history.kept is not None
    assert history.kept.accuracy >= 0.9
    assert history.epochs[-1].loss < 0.3 < history.epochs[0].loss


@pytest.mark.long
@pytest.mark.parametrize(("kind", "epochs"), [("distilbert", 6), ("bert", 30)])
def test_a_planted_word_is_learned(texts: tuple[Dataset, dict], tmp_path: Path, kind: str, epochs: int) -> None:
    model = text_model(tmp_path, kind)
    history = train(model, texts[0], tmp_path / "out", replace(TEXTS, epochs=epochs)).history
    assert history.kept is not None
    assert history.kept.accuracy >= 0.9


def test_frozen_parts_keep_their_weights_and_batch_statistics(pictures: Dataset, tmp_path: Path) -> None:
    names = ("conv1", "bn1", "layer1")
    train(IMAGE_MODEL, pictures, tmp_path / "out", QUICK, frozen=names)
    start, trained = load_model(IMAGE_MODEL, tmp_path).module.state_dict(), tensors(tmp_path / "out")
    changed = {name for name, value in start.items() if not torch.equal(value, trained[name])}
    assert not [name for name in changed if name.startswith(names)]
    assert {name.partition(".")[0] for name in changed} == {"layer2", "layer3", "linear"}
    with pytest.raises(InputError, match="holds a finished training of another model"):
        train(IMAGE_MODEL, pictures, tmp_path / "out", QUICK)
    with pytest.raises(InputError, match='has no part "layer9"'):
        train(IMAGE_MODEL, pictures, tmp_path / "other", QUICK, frozen=("layer9",))


def stopping_after(calls: int) -> Callable[..., None]:
    count = iter(range(1, 10_000))

    def stop(*_: object) -> None:
        if next(count) == calls:
            raise KeyboardInterrupt

    return stop


@pytest.mark.long
@pytest.mark.parametrize("kind", ["pictures", "texts"])
def test_a_stopped_training_ends_with_the_same_weights_bit_for_bit(
    kind: str, pictures: Dataset, texts: tuple[Dataset, dict], tmp_path: Path
) -> None:
    dataset, model, config = (pictures, IMAGE_MODEL, QUICK) if kind == "pictures" else (*texts, TEXTS)
    whole = train(model, dataset, tmp_path / "whole", config)
    # Of images, progress is told 5 times an epoch, of texts 9: in the first, between two, and in a later epoch.
    for calls in (3, 6, 7) if kind == "pictures" else (4, 10, 12):
        with pytest.raises(KeyboardInterrupt):
            train(model, dataset, tmp_path / "stopped", config, on_progress=stopping_after(calls))
        torch.rand(5)
    stopped = train(model, dataset, tmp_path / "stopped", config)
    assert stopped.history == whole.history
    assert same(tensors(tmp_path / "stopped"), tensors(tmp_path / "whole"))
    assert not list((tmp_path / "stopped").glob("*checkpoint*"))


@pytest.mark.long
def test_a_killed_job_goes_on_where_it_was(pictures: Dataset, tmp_path: Path) -> None:
    spec = guess_dataset(pictures.root).spec
    config = {"model": IMAGE_MODEL, "dataset": spec, "base": str(tmp_path), "out": str(tmp_path / "killed")}
    config["settings"] = {"epochs": 60, "batch_size": 8, "augment": "flip"}
    store = JobStore(tmp_path / "jobs")
    job = store.submit("train", config)
    end = time.monotonic() + 120
    while len(read_history(tmp_path / "killed").epochs) < 2:
        assert time.monotonic() < end, job.log()
        assert not job.status().finished, job.log()
        time.sleep(0.02)
    os.kill(json.loads((job.folder / "process.json").read_text())["pid"], signal.SIGKILL)
    while job.status().state != "lost":
        time.sleep(0.02)
    before = read_history(tmp_path / "killed").epochs
    assert 2 <= len(before) < 60
    settings = TrainConfig(epochs=60, batch_size=8, augment="flip")

    class Enough(Exception):
        pass

    def two_more(history: Any) -> None:
        if len(history.epochs) == len(before) + 2:
            raise Enough

    with pytest.raises(Enough):
        train(IMAGE_MODEL, pictures, tmp_path / "killed", settings, on_epoch=two_more)
    with pytest.raises(Enough):
        train(IMAGE_MODEL, pictures, tmp_path / "whole", settings, on_epoch=two_more)
    assert read_history(tmp_path / "killed").epochs == read_history(tmp_path / "whole").epochs


def test_a_training_stops_at_the_next_batch_when_it_is_asked_to(pictures: Dataset, tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(Cancelled, match="Stopped in epoch 1 of 4"):
        train(
            IMAGE_MODEL,
            pictures,
            tmp_path,
            QUICK,
            on_progress=lambda done, *_: seen.append(done),
            should_stop=lambda: len(seen) == 3,
        )
    assert seen == [0, 8, 16]


def test_a_finished_training_is_opened_and_not_run_again(pictures: Dataset, tmp_path: Path) -> None:
    config = replace(QUICK, epochs=1)
    first = train(IMAGE_MODEL, pictures, tmp_path, config)
    again = train(IMAGE_MODEL, pictures, tmp_path, config, on_progress=stopping_after(1))
    assert again == first


@pytest.mark.parametrize("unfinished", [True, False])
def test_a_folder_with_another_training_is_left_alone(pictures: Dataset, tmp_path: Path, unfinished: bool) -> None:
    config = replace(QUICK, epochs=2 if unfinished else 1)
    stop = stopping_after(7 if unfinished else 10**6)
    with pytest.raises(KeyboardInterrupt) if unfinished else np.errstate():
        train(IMAGE_MODEL, pictures, tmp_path, config, on_progress=stop)
    with pytest.raises(InputError, match="finished training of another model"):
        train(IMAGE_MODEL, pictures, tmp_path, replace(config, seed=1))


def test_the_kept_weights_are_those_of_the_best_epoch(pictures: Dataset, tmp_path: Path) -> None:
    groups = pictures.samples["label"] * 2 + pictures.samples["source"].str.contains("[0145].png")
    dataset = replace(pictures, samples=pictures.samples.assign(group=groups), group_names=tuple("abcd"))
    trained = train(IMAGE_MODEL, dataset, tmp_path / "out", replace(QUICK, epochs=8))
    kept = trained.history.kept
    assert kept is not None
    assert kept.accuracy == max(each.accuracy for each in trained.history.epochs)
    assert trained.history.epochs[-1].accuracy < kept.accuracy, "the last epoch must not be the best for this to tell"
    model = load_model({"weights": str(tmp_path / "out")}, tmp_path)
    head = model.head()
    assert head is not None
    measured = evaluate(head, extract(model, dataset, tmp_path / "val", split="val", dtype="float32"))
    result = (measured.accuracy, measured.worst_class_accuracy, measured.worst_group_accuracy)
    assert result == (kept.accuracy, kept.worst_class_accuracy, kept.worst_group_accuracy)


def test_training_the_head_alone_leaves_everything_before_it_untouched(pictures: Dataset, tmp_path: Path) -> None:
    before = load_model(IMAGE_MODEL | {"num_classes": 2}, tmp_path)
    head = str(before.classifier_name)
    train(IMAGE_MODEL, pictures, tmp_path, replace(QUICK, layers="head", epochs=2))
    after = tensors(tmp_path)
    changed = {name for name, tensor in before.module.state_dict().items() if not torch.equal(tensor, after[name])}
    assert changed == {f"{head}.weight", f"{head}.bias"}


def test_seeds_differ_and_repeat(pictures: Dataset, tmp_path: Path) -> None:
    def losses(name: str, seed: int) -> list[float]:
        config = replace(QUICK, epochs=2, seed=seed)
        return [each.loss for each in train(IMAGE_MODEL, pictures, tmp_path / name, config).history.epochs]

    first = losses("a", 0)
    assert losses("b", 0) == first
    assert losses("c", 1) != first


def test_mixed_precision_comes_close_to_float32(texts: tuple[Dataset, dict], tmp_path: Path) -> None:
    dataset, model = texts
    config = replace(TEXTS, epochs=1)
    full = train(model, dataset, tmp_path / "full", replace(config, precision="float32")).history.epochs[0]
    mixed = train(model, dataset, tmp_path / "mixed", replace(config, precision="mixed")).history.epochs[0]
    assert mixed.loss != full.loss
    assert mixed.loss == pytest.approx(full.loss, rel=0.05)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_epoch(pictures: Dataset, tmp_path: Path) -> None:
    config = replace(QUICK, epochs=3)

    def poison(history: Any) -> None:
        if len(history.epochs) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(IMAGE_MODEL, pictures, tmp_path, config, on_epoch=poison)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    good = {name: tensor.clone() for name, tensor in state["best"].items()}
    for group in state["trainer"]["optimizer"]["param_groups"]:
        group["lr"] = float("inf")
    torch.save(state, tmp_path / "checkpoint.pt")
    history = train(IMAGE_MODEL, pictures, tmp_path, config).history
    assert [each.epoch for each in history.epochs] == [1]
    assert "Training stopped in epoch 2, where the loss was not a number" in history.remarks[-1]
    assert same(tensors(tmp_path), good)


def test_a_loss_that_is_no_number_from_the_start_is_a_refusal(pictures: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a number in the first epoch"):
        train(IMAGE_MODEL, pictures, tmp_path, replace(QUICK, learning_rate=1e6, momentum=0.0, schedule="constant"))


def test_without_a_validation_split_some_training_samples_are_held_out(tmp_path: Path) -> None:
    dataset = bars(tmp_path / "data", ("train",), each=10)
    trained = train(IMAGE_MODEL, dataset, tmp_path / "out", replace(QUICK, epochs=1))
    assert any("a seeded part of its samples was held out: 4 for val" in each for each in trained.history.remarks)


def test_one_class_and_no_training_split_are_refused(tmp_path: Path) -> None:
    for number in range(4):
        picture(tmp_path / "one" / "train" / "lies" / f"{number}.png")
        picture(tmp_path / "one" / "val" / ("lies", "stands")[number % 2] / f"{number}.png", number % 2)
    one = open_dataset(guess_dataset(tmp_path / "one").spec, tmp_path)
    with pytest.raises(InputError, match='one class, "lies"'):
        train(IMAGE_MODEL, one, tmp_path / "out", QUICK)
    with pytest.raises(InputError, match="no training split, only val, test"):
        train(IMAGE_MODEL, bars(tmp_path / "two", ("val", "test")), tmp_path / "out", QUICK)


def test_a_text_model_is_not_trained_on_pictures(
    pictures: Dataset, texts: tuple[Dataset, dict], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="reads texts, but the samples of"):
        train(texts[1], pictures, tmp_path, QUICK)


def test_a_few_unreadable_pictures_are_passed_over_and_many_are_refused(tmp_path: Path) -> None:
    dataset = bars(tmp_path / "data", each=10)
    files = sorted((tmp_path / "data" / "train").rglob("*.png"))
    files[0].write_bytes(b"no image")
    assert train(IMAGE_MODEL, dataset, tmp_path / "few", replace(QUICK, epochs=1, batch_size=10)).history.best == 1
    for file in files[:5]:
        file.write_bytes(b"no image")
    with pytest.raises(InputError, match="5 of 20 images"):
        train(IMAGE_MODEL, dataset, tmp_path / "many", replace(QUICK, epochs=1, batch_size=10))


def test_where_a_validation_picture_cannot_be_read_the_others_keep_their_own_labels(tmp_path: Path) -> None:
    dataset = bars(tmp_path / "data", each=10)
    first, *others = sorted((tmp_path / "data" / "val").rglob("*.png"))
    first.write_bytes(b"no image")
    kept = train(IMAGE_MODEL, dataset, tmp_path / "out", replace(QUICK, epochs=3)).history.kept
    assert kept is not None
    model = load_model({"weights": str(tmp_path / "out")}, tmp_path)
    head = model.head()
    assert head is not None
    measured = evaluate(head, extract(model, dataset, tmp_path / "val", split="val", dtype="float32"))
    assert measured.overall.n == len(others) > 0
    assert (kept.accuracy, kept.worst_class_accuracy) == (measured.accuracy, measured.worst_class_accuracy)
