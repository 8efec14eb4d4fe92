"""The verbs on embedding sets and heads: their numbers against independent ones."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score, recall_score

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig
from neurontune_core.mask import Mask
from tests.support.cli import M, ask, call, complaint, tune


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_identify_gives_the_medians_that_numpy_gives(folder: Path, threshold: float) -> None:
    samples, head = EmbeddingSet.load(folder / "val"), LinearHead.load(folder / "head.safetensors")
    vectors = np.abs(np.asarray(samples.embeddings))
    wrong = (vectors @ head.weight.T + head.bias).argmax(axis=1) != samples.labels
    delta = np.stack(
        [
            np.median(vectors[wrong & (samples.labels == label)], axis=0)
            - np.median(vectors[~wrong & (samples.labels == label)], axis=0)
            for label in range(2)
        ]
    )
    answer = ask("identify", "--identification", folder / "val", "--head", folder / "head.safetensors",
               "--threshold", threshold)  # fmt: skip
    assert answer["biased"] == np.flatnonzero((delta > threshold).any(axis=0)).tolist()
    assert answer["num_biased"] == len(answer["biased"])
    assert answer["num_neurons"] == M
    assert answer["sfit"] == pytest.approx(np.abs(delta).sum(), rel=1e-5)
    assert answer["num_incorrect"] == [int((wrong & (samples.labels == label)).sum()) for label in range(2)]
    assert answer["num_correct"] == [int((~wrong & (samples.labels == label)).sum()) for label in range(2)]
    assert answer["warnings"] == []


def test_evaluate_gives_the_accuracies_that_scikit_learn_gives(folder: Path) -> None:
    samples, head = EmbeddingSet.load(folder / "test"), LinearHead.load(folder / "head.safetensors")
    predictions = (samples.embeddings @ head.weight.T + head.bias).argmax(axis=1)
    by_group = [accuracy_score(samples.labels[samples.groups == g], predictions[samples.groups == g]) for g in range(4)]
    answer = ask("evaluate", "--embeddings", folder / "test", "--head", folder / "head.safetensors")
    assert answer["accuracy"] == pytest.approx(accuracy_score(samples.labels, predictions))
    assert answer["worst_group_accuracy"] == pytest.approx(min(by_group))
    assert answer["accuracy_gap"] == pytest.approx(answer["accuracy"] - min(by_group))
    assert answer["worst_class_accuracy"] == pytest.approx(min(recall_score(samples.labels, predictions, average=None)))
    assert [group["name"] for group in answer["groups"]] == list(samples.group_names)
    assert [group["accuracy"] for group in answer["groups"]] == pytest.approx(by_group)
    assert [group["n"] for group in answer["groups"]] == np.bincount(samples.groups).tolist()


def test_without_groups_the_worst_group_is_null(folder: Path) -> None:
    replace(EmbeddingSet.load(folder / "test"), groups=None).save(folder / "plain")
    answer = ask("evaluate", "--embeddings", folder / "plain", "--head", folder / "head.safetensors")
    assert (answer["worst_group_accuracy"], answer["accuracy_gap"], answer["groups"]) == (None, None, [])


def test_tune_writes_head_mask_and_history_and_lifts_the_worst_group(folder: Path) -> None:
    answer = ask(*tune(folder, "--tuning", folder / "train", "--epochs", 5, "--batches", 50, "--lr", 0.01,
                    "--rounds", "once", "--threshold", 1))  # fmt: skip
    history = json.loads((folder / "out" / "history.json").read_text())
    assert len(history) == 5
    best = max(history, key=lambda record: record["sfit"])
    assert (answer["epoch"], answer["sfit"], answer["num_biased"]) == (best["epoch"], best["sfit"], best["num_biased"])
    assert answer["seconds"] > 0
    mask = json.loads((folder / "out" / "mask.json").read_text())
    assert len(mask["biased"]) == answer["num_biased"]
    assert mask["biased"] == [1]
    tensors = load_file(folder / "out" / "head.safetensors")
    assert not tensors["weight"][:, mask["biased"]].any()
    before = ask("evaluate", "--embeddings", folder / "test", "--head", folder / "head.safetensors")
    after = ask("evaluate", "--embeddings", folder / "test", "--head", folder / "out" / "head.safetensors")
    assert after["worst_group_accuracy"] > before["worst_group_accuracy"] + 0.1


def test_halves_need_no_tuning_set_and_no_mask_masks_nothing(folder: Path) -> None:
    answer = ask(*tune(folder, "--halves", "--no-mask", "--epochs", 2, "--batches", 5, "--select", "last"))
    assert (answer["epoch"], answer["num_biased"]) == (2, 0)
    assert Mask.load(folder / "out" / "mask.json").num_biased == 0


def test_a_preset_is_what_the_given_options_change(folder: Path) -> None:
    short = ("--tuning", folder / "train", "--epochs", 6, "--batches", 5)
    answer = ask(*tune(folder, *short, "--preset", "robust"))
    assert answer["loop"] in ("stable", "paper")
    saved = LinearHead.load(folder / "out" / "head.safetensors").provenance
    assert (saved["select"], saved["stability"], saved["epochs"], saved["loop"]) == ("robust", 2.0, 6, answer["loop"])
    changed = ask(*tune(folder, *short, "--preset", "robust", "--select", "last", "--threshold", 0))
    saved = LinearHead.load(folder / "out" / "head.safetensors").provenance
    assert (saved["select"], saved["stability"], changed["averaged"], changed["loop"]) == ("last", 2.0, [6], "")
    paper = ask(*tune(folder, *short, "--preset", "paper"))
    plain = ask(*tune(folder, *short))
    assert (paper["averaged"], paper["sfit"]) == (plain["averaged"], plain["sfit"])
    assert "paper" in complaint(*tune(folder, *short, "--preset", "best"))
    ask(*tune(folder, *short, "--preset", "multinli"))
    saved = LinearHead.load(folder / "out" / "head.safetensors").provenance
    assert (saved["optimizer"], saved["learning_rate"], saved["epochs"]) == ("adamw", 1e-5, 6)


def test_a_persons_verdicts_mask_and_spare_neurons(folder: Path) -> None:
    Mask(np.zeros(M, dtype=bool), 0.0, 0.0, {5: "spurious", 1: "core", 6: "unsure"}).save(folder / "verdicts.json")
    ask(*tune(folder, "--halves", "--epochs", 2, "--batches", 5, "--verdicts", folder / "verdicts.json"))
    mask = Mask.load(folder / "out" / "mask.json")
    assert mask.biased[5]
    assert not mask.biased[1]
    assert mask.verdicts == {5: "spurious", 1: "core", 6: "unsure"}


def test_every_setting_is_an_option_with_the_default_of_the_settings(folder: Path) -> None:
    ask(*tune(folder, "--halves", "--epochs", 1, "--batches", 1))
    source = json.loads((folder / "out" / "mask.json").read_text())["source"]
    for setting in fields(TuneConfig):
        expected = {"epochs": 1, "batches": 1}.get(setting.name, setting.default)
        assert source[setting.name] == expected, setting.name


def test_import_makes_a_set_of_the_arrays(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 3))
    np.savez(
        tmp_path / "a.npz",
        embeddings=vectors,
        labels=np.array([0, 1, 0, 1, 0, 1]),
        groups=np.array([0, 1, 2, 3, 0, 1]),
        class_names=np.array(["cat", "dog"]),
        sample_ids=np.array(list("abcdef")),
    )
    answer = ask("import", tmp_path / "a.npz", "--out", tmp_path / "set", "--split", "val")
    assert (answer["samples"], answer["neurons"], answer["classes"]) == (6, 3, 2)
    samples = EmbeddingSet.load(tmp_path / "set")
    np.testing.assert_array_equal(samples.embeddings, vectors.astype(np.float32))
    assert samples.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert samples.class_names == ("cat", "dog")
    assert samples.group_names == ("group 0", "group 1", "group 2", "group 3")
    assert samples.sample_ids.tolist() == list("abcdef")
    assert samples.split == "val"


def test_import_names_classes_when_the_file_does_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", embeddings=np.ones((4, 3)), labels=np.array([0, 1, 2, 0]))
    ask("import", tmp_path / "a.npz", "--out", tmp_path / "set")
    assert EmbeddingSet.load(tmp_path / "set").class_names == ("class 0", "class 1", "class 2")


def test_import_takes_labels_and_groups_from_files_or_by_name(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    np.save(tmp_path / "v.npy", vectors)
    (tmp_path / "labels.txt").write_text("dog\ncat\ndog\ncat\n")
    np.save(tmp_path / "groups.npy", np.array([1, 0, 2, 1]))
    ask("import", tmp_path / "v.npy", "--labels", tmp_path / "labels.txt", "--groups", tmp_path / "groups.npy",
        "--out", tmp_path / "files")  # fmt: skip
    table = pd.DataFrame({"penultimate": list(vectors), "species": ["dog", "cat", "dog", "cat"], "site": [1, 0, 2, 1]})
    table.to_parquet(tmp_path / "t.parquet")
    ask("import", tmp_path / "t.parquet", "--column", "embeddings=penultimate", "--labels", "species", "--groups",
        "site", "--out", tmp_path / "named")  # fmt: skip
    for out in ("files", "named"):
        samples = EmbeddingSet.load(tmp_path / out)
        np.testing.assert_array_equal(samples.embeddings, vectors)
        assert [samples.class_names[label] for label in samples.labels] == ["dog", "cat", "dog", "cat"]
        assert samples.groups.tolist() == [1, 0, 2, 1]
    answer = complaint("import", tmp_path / "t.parquet", "--column", "penultimate", "--out", tmp_path / "set")
    assert answer == '--column has the value "penultimate"; write it as name=value.'


def test_without_json_the_answer_is_short_and_readable(folder: Path) -> None:
    result = call("evaluate", "--embeddings", folder / "test", "--head", folder / "head.safetensors")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split() == ["average", "worst", "group", "gap", "worst", "class"]
    assert len(result.stdout.splitlines()) == 7


def test_a_class_without_mistakes_is_a_warning_not_an_error(folder: Path) -> None:
    weight = np.zeros((2, M), dtype=np.float32)
    LinearHead(weight, np.array([1.0, 0.0])).save(folder / "always_land.safetensors")
    result = call(
        "identify", "--identification", folder / "val", "--head", folder / "always_land.safetensors", "--json"
    )
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert any('Class "land" has no misclassified samples' in sentence for sentence in answer["warnings"])
    assert 'Warning: Class "land" has no misclassified samples' in result.stderr
