"""The command line: its numbers against independent ones, and one sentence for every bad input."""

from __future__ import annotations

import json
import pickle
import shlex
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file
from sklearn.metrics import accuracy_score, recall_score

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig
from neurontune_core.cli import arrays, projects
from neurontune_core.cli.command import tune_command
from neurontune_core.mask import Mask
from neurontune_core.session.background_run import BackgroundRun
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.workspace.project import HALVES, Project
from tests.support.cli import ask, call, complaint
from tests.support.paths import ROOT
from tests.support.projects import SHORTCUT, write_project

N, M = 240, 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write sets with a core neuron 0, a spurious neuron 1 and noise, and a head that leans on the spurious one."""
    for seed, (split, agreement) in enumerate([("train", 0.9), ("val", 0.5), ("test", 0.5)]):
        rng = np.random.default_rng(seed)
        labels = np.arange(N) % 2
        attributes = np.where(rng.random(N) < agreement, labels, 1 - labels)
        vectors = np.abs(rng.normal(size=(N, M))).astype(np.float32)
        vectors[:, 0] += 2 * labels
        vectors[:, 1] += 3 * attributes
        EmbeddingSet(
            vectors,
            labels,
            ("land", "water"),
            groups=labels * 2 + attributes,
            group_names=("land, land", "land, water", "water, land", "water, water"),
            split=split,
        ).save(tmp_path / split)
    weight = np.zeros((2, M), dtype=np.float32)
    weight[1, :2] = 0.3, 1.0
    LinearHead(weight, np.array([2.5, 0.0]), ("land", "water")).save(tmp_path / "head.safetensors")
    return tmp_path


# --- numbers -----------------------------------------------------------------------------------------------------


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


def tune(folder: Path, *more: object) -> list[object]:
    return ["tune", "--identification", folder / "val", "--head", folder / "head.safetensors", "--out", folder / "out",
            *more]  # fmt: skip


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


# --- projects ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(24):
        name = f"{number:02d}.png"
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(tmp_path / name)
        rows.append({"filename": name, "y": number % 2, "split": number % 3, "place": number // 2 % 2})
    pd.DataFrame(rows).to_csv(tmp_path / "metadata.csv", index=False)
    return tmp_path


def test_from_pictures_to_a_checked_bundle_by_the_command_line_alone(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "project"
    answer = ask("extract", "--family", "torchvision", "--architecture", "resnet18", "--weights", "random",
               "--num-classes", 2, "--image-size", 32, "--data", pictures, "--device", "cpu", "--out", out)  # fmt: skip
    assert answer["embeddings"] == {split: f"embeddings/{split}" for split in ("train", "val", "test")}
    assert EmbeddingSet.load(out / "embeddings" / "val").num_samples == 8
    tuned = tmp_path / "tuned"
    ask("tune", "--identification", out / "embeddings" / "val", "--tuning", out / "embeddings" / "train",
        "--head", out / "head.safetensors", "--epochs", 2, "--batches", 3, "--out", tuned)  # fmt: skip
    files = ask("export", "--project", out, "--head", tuned / "head.safetensors", "--mask", tuned / "mask.json",
                "--out", tmp_path / "bundle")["files"]  # fmt: skip
    assert [file["name"] for file in files] == [
        "mask.json",
        "head.safetensors",
        "model_state_dict.safetensors",
        "load_head.py",
        "MODEL_CARD.md",
    ]
    assert "logits on 8 samples" in files[2]["check"]
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    assert "| Identification | val, 8 samples of 512 neurons |" in card
    assert "| `batches` | `3` |" in card


def test_export_works_from_files_without_a_project(folder: Path) -> None:
    ask(*tune(folder, "--tuning", folder / "train", "--epochs", 1, "--batches", 5))
    erm, out = folder / "head.safetensors", folder / "out"
    answer = ask("export", "--erm", erm, "--evaluation", folder / "test", "--masking-off", erm, "--out",
               folder / "bundle", "--head", out / "head.safetensors", "--mask", out / "mask.json")  # fmt: skip
    names = [file["name"] for file in answer["files"]]
    assert names == ["mask.json", "head.safetensors", "load_head.py", "MODEL_CARD.md"]
    assert "No masking" in (folder / "bundle" / "MODEL_CARD.md").read_text()


@pytest.fixture
def small_example(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = {
        "format": "neurontune-project/1",
        "title": "Land or water?",
        "problem": "It looks at the background.",
        "embeddings": {split: split for split in ("train", "val", "test")},
        "head": "head.safetensors",
        "roles": {"identification": "val", "tuning": "train", "evaluation": "test"},
    }
    (folder / "project.json").write_text(json.dumps(project))
    monkeypatch.setitem(projects.EXAMPLES, "example", folder)
    return folder


@pytest.mark.long
def test_the_example_shows_four_heads_side_by_side(small_example: Path, tmp_path: Path) -> None:
    answer = ask("example")
    assert [head["name"] for head in answer["heads"]] == ["ERM", "No masking", "NeuronTune", "Advised head"]
    erm = ask("evaluate", "--embeddings", small_example / "test", "--head", small_example / "head.safetensors")
    assert answer["heads"][0]["worst_group_accuracy"] == erm["worst_group_accuracy"]
    out = tmp_path / "advised"
    advised = ask(
        "advise", "--identification", small_example / "val", "--tuning", small_example / "train",
        "--head", small_example / "head.safetensors", "--out", out,
    )  # fmt: skip
    assert answer["advice"] == advised["sentence"]
    measured = ask("evaluate", "--embeddings", small_example / "test", "--head", out / "head.safetensors")
    assert answer["heads"][3]["worst_group_accuracy"] == measured["worst_group_accuracy"]
    shown = call("example").stdout
    assert "NeuronTune masked" in shown
    assert answer["advice"] in shown


def test_app_starts_streamlit_on_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(projects, "APP", tmp_path / "app.py")
    monkeypatch.setattr(projects.sys, "argv", ["neurontune"])
    monkeypatch.setattr(projects.runpy, "run_module", lambda name, run_name: started.append((name, projects.sys.argv)))
    assert complaint_without_json("app").startswith("There is no ")
    (tmp_path / "app.py").touch()
    assert call("app", "--port", 8600, "--headless").exit_code == 0
    ((module, argv),) = started
    assert (module, argv[1:3]) == ("streamlit", ["run", str(tmp_path / "app.py")])
    assert argv[3:] == ["--server.address", "127.0.0.1", "--server.port", "8600", "--server.headless", "true"]


def complaint_without_json(*arguments: object) -> str:
    result = call(*arguments)
    assert result.exit_code == 2
    return result.stderr.strip()


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("identify --identification nowhere --head head.safetensors", "There is no folder nowhere"),
        ("identify --identification val --head nowhere", "There is no head file nowhere"),
        ("identify --identification val --head val/samples.parquet", "is not a safetensors file"),
        ("evaluate --embeddings val --head narrow.safetensors", "for 2 classes and 5 neurons"),
        ("identify --identification val --head narrow.safetensors", "for 2 classes and 5 neurons"),
        ("identify --identification val --head perfect.safetensors", "makes no mistake"),
        ("identify --identification val --head head.safetensors --threshold x", "--threshold"),
        ("identify --identification val", "Missing option '--head'"),
        ("evaluate --embeddings val --head head.safetensors --nope", "No such option: --nope"),
        ("evaluate --embeddings head.safetensors --head head.safetensors", "There is no folder"),
        ("bogus", "No such command 'bogus'"),
        ("import nowhere.npz --out set", "There is no file nowhere.npz"),
        ("import head.safetensors --out set", "has no array that looks like the embeddings"),
        ("extract --out set", "Give the data and the weights"),
        ("extract --project val/meta.json --out set", "is not a project"),
        ("export --head head.safetensors --mask val/meta.json --out b", "Give --erm and --evalu"),
        (
            "export --head head.safetensors --mask val/meta.json --erm head.safetensors --evaluation test --out b",
            "is not a mask",
        ),
    ],
)
def test_bad_input_ends_with_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, sentence: str
) -> None:
    monkeypatch.chdir(folder)
    save_file({"weight": np.ones((2, 5), np.float32), "bias": np.zeros(2, np.float32)}, "narrow.safetensors")
    samples = EmbeddingSet.load("val")
    vectors = np.asarray(samples.embeddings).copy()
    vectors[:, 2] = np.where(samples.labels == 1, 5.0, 0.0)
    replace(samples, embeddings=vectors).save("val")
    perfect = np.zeros((2, M), np.float32)
    perfect[1, 2] = 1
    save_file({"weight": perfect, "bias": np.array([1, 0], np.float32)}, "perfect.safetensors")
    assert sentence in complaint(*line.split())


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ([], "either --tuning or --halves"),
        (["--halves", "--tuning", "train"], "either --tuning or --halves"),
        (["--halves", "--epochs", "0"], "Expected epochs between 1 and 100000, but got 0"),
        (["--halves", "--select", "best"], "'best' is not one of 'sfit', 'worst_class_accuracy', 'last'"),
        (["--halves", "--mask-value", "2"], "Expected mask_value between 0 and 1, but got 2.0"),
        (["--halves", "--threshold", "-1000"], "Every one of the 12 neurons would be masked"),
        (["--halves", "--verdicts", "val/meta.json"], "is not a mask"),
        (["--tuning", "narrow"], "one has 12 neurons, the other 5"),
    ],
)
def test_bad_settings_of_tune_end_with_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], sentence: str
) -> None:
    monkeypatch.chdir(folder)
    EmbeddingSet(np.ones((4, 5)), np.array([0, 1, 0, 1]), ("land", "water")).save("narrow")
    assert sentence in complaint(*tune(Path(), *more))
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"embeddings": np.array([[1.0, np.nan], [1, 1], [np.inf, 1]])}, "NaN or infinity, in rows 0, 2"),
        ({"labels": np.array([0, 1, -1])}, '-1 in row 3 of column "label" is not a number of 0..'),
        ({"labels": np.array([0, 1, 7])}, "go up to 7 with 3 samples"),
        ({"labels": np.array([0, 1, 2]), "class_names": np.array(["a", "b"])}, '2 in row 3 of column "label" is not'),
        ({"labels": np.array([0, 1])}, "Expected 3 labels"),
        ({"labels": np.array([0.5, 1, 0])}, "Expected whole numbers or names as labels"),
        ({"labels": None}, "has no array that looks like the labels"),
        ({"embeddings": np.ones(3)}, "Expected embeddings of shape"),
        ({"embeddings": np.array([[{}], [{}], [{}]], dtype=object)}, "pickled objects are never read"),
        ({"groups": np.array([0, 1])}, "Expected 3 groups"),
    ],
)
def test_bad_arrays_end_with_one_sentence(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    arrays = {"embeddings": np.ones((3, 2)), "labels": np.array([0, 1, 0])} | change
    np.savez(tmp_path / "a.npz", **{name: value for name, value in arrays.items() if value is not None})
    assert sentence in complaint("import", tmp_path / "a.npz", "--out", tmp_path / "set")
    assert not (tmp_path / "set").exists()


class Trap:
    """What a hostile pickle does when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("sprung"),))


def test_a_pickle_named_npz_is_refused_and_nothing_in_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.npz").write_bytes(pickle.dumps(Trap()))
    np.savez("b.npz", embeddings=np.array([Trap()], dtype=object), labels=np.array([0]))
    for name in ("a.npz", "b.npz"):
        assert "pickled objects are never read" in complaint("import", name, "--out", "set")
    assert not Path("sprung").exists()


def test_an_npy_without_labels_and_a_cut_file_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    assert "looks like the labels" in complaint("import", tmp_path / "a.npy", "--out", tmp_path / "set")
    np.savez(tmp_path / "a.npz", embeddings=np.ones((3, 2)), labels=np.array([0, 1, 0]))
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    assert "is not an .npz file" in complaint("import", tmp_path / "b.npz", "--out", tmp_path / "set")
    (tmp_path / "c.npz").touch()
    assert "is not an .npz file" in complaint("import", tmp_path / "c.npz", "--out", tmp_path / "set")


def test_an_output_that_cannot_be_written_is_named(folder: Path) -> None:
    np.savez(folder / "a.npz", embeddings=np.ones((3, 2)), labels=np.array([0, 1, 0]))
    result = call("import", folder / "a.npz", "--out", folder / "head.safetensors", "--json")
    assert (result.exit_code, result.stdout) == (1, "")  # the input was right
    (sentence,) = result.stderr.splitlines()
    assert "head.safetensors cannot be read or written" in sentence


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["birds", "--data", "fish", "--weights", "w"], 'The data are given twice, as "birds" and as --data "fish"'),
        (["birds", "w1", "--weights", "w2"], 'The weights are given twice, as "w1" and as --weights "w2"'),
        (["birds", "--project", "."], "--project has a model and a dataset already; leave out DATA."),
        (["--project", ".", "--arch", "resnet18"], "leave out --arch."),
        (["--project", ".", "--use-last-linear", "--classes", "a,b"], "leave out --classes, --use-last-linear."),
        (["--project", ".", "--num-classes", "0", "--entry", "m:f"], "leave out --num-classes, --entry."),
    ],
)
def test_extract_refuses_what_contradicts_itself(folder: Path, more: list[str], sentence: str) -> None:
    assert sentence in complaint("extract", "--out", folder / "out", *more)
    assert not (folder / "out").exists()


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("verb", ["identify", "tune", "advise", "evaluate", "export", "import", "compare", "ablate"])
def test_ctrl_c_ends_a_verb_with_one_line_and_exit_code_130(
    small_example: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(EmbeddingSet, "load", interrupted)
    monkeypatch.setattr("neurontune_core.extraction.import_embeddings.read_embeddings", interrupted)
    sets = ["--identification", "val", "--tuning", "train", "--head", small_example / "head.safetensors"]
    Mask(np.zeros(M, dtype=bool), 0.0, 0.0).save(small_example / "mask.json")
    out = ["--out", small_example / "out"]
    arguments = {
        "identify": [*sets[:2], *sets[4:]],
        "tune": [*sets, *out],
        "advise": [*sets, *out],
        "evaluate": ["--embeddings", "val", *sets[4:]],
        "export": [*sets[4:], "--mask", small_example / "mask.json", "--project", small_example, *out],
        "import": ["vectors.npz", *out],
        "ablate": ["rules"],
    }
    result = call(verb, *arguments.get(verb, []), "--json")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.splitlines() == ["Stopped before it was done."]
    assert not (small_example / "out").exists()


def test_ctrl_c_or_a_full_disk_leaves_the_files_of_an_earlier_tuning_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(*tune(folder, "--halves", "--epochs", 1, "--batches", 2))
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    assert set(before) == {"head.safetensors", "mask.json", "history.json"}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "history.json")

    for failing, code in ((interrupted, 130), (full, 1)):
        monkeypatch.setattr(arrays, "write_json", failing)
        result = call(*tune(folder, "--halves", "--epochs", 2, "--batches", 5, "--seed", 7))
        assert result.exit_code == code, result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == before


def test_a_bundle_that_is_not_read_back_right_ends_with_exit_code_1_and_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(*tune(folder, "--halves", "--epochs", 1, "--batches", 2))
    save = LinearHead.save

    def damaged(self: LinearHead, path: Path) -> None:
        save(replace(self, weight=self.weight + np.float32(1e-3)), path)

    monkeypatch.setattr(LinearHead, "save", damaged)
    out = folder / "out"
    files = ["--head", out / "head.safetensors", "--mask", out / "mask.json", "--erm", folder / "head.safetensors"]
    result = call("export", *files, "--evaluation", folder / "test", "--out", folder / "bundle", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    (sentence,) = result.stderr.splitlines()
    assert sentence.startswith("head.safetensors was read back, and its logits differ by")
    assert not (folder / "bundle").exists()


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


def test_a_head_that_tune_did_not_write_has_no_card(folder: Path) -> None:
    Mask(np.zeros(M, dtype=bool), 0.0, 0.0).save(folder / "mask.json")
    assert "has no record of how it was tuned" in complaint(
        "export", "--head", folder / "head.safetensors", "--mask", folder / "mask.json", "--out", folder / "bundle",
        "--erm", folder / "head.safetensors", "--evaluation", folder / "test",
    )  # fmt: skip


# --- as a program ------------------------------------------------------------------------------------------------


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_program_prints_one_json_object_and_nothing_else(folder: Path) -> None:
    done = program("-m", "neurontune_core", "identify", "--identification", str(folder / "val"), "--head",
                   str(folder / "head.safetensors"), "--json")  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["num_neurons"] == M
    assert done.stderr == ""


def test_the_program_refuses_bad_input_without_a_traceback() -> None:
    done = program("-m", "neurontune_core", "evaluate", "--embeddings", "nowhere", "--head", "nowhere", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no head file nowhere.\n"
    done = program("-m", "neurontune_core", "tune", "--epochs", "many")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "verb", ["", "example", "inspect", "import", "extract", "identify", "tune", "evaluate", "export", "app"]
)
def test_every_verb_explains_itself(verb: str) -> None:
    result = call(*filter(None, [verb]), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")
    assert "│" not in result.stdout  # no boxes


def test_help_does_not_wait_for_heavy_libraries() -> None:
    code = """
import sys
from neurontune_core.cli import main
sys.argv = ["neurontune", "--help"]
try:
    main()
except SystemExit:
    heavy = ("torch", "torchvision", "pandas", "sklearn", "numba", "streamlit", "transformers")
    print([name for name in heavy if name in sys.modules])
"""
    assert program("-c", code).stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("tuning", ["train", HALVES])
def test_the_command_of_a_run_gives_the_same_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tuning: str) -> None:
    write_project(tmp_path / "a project")
    project = Project.at(tmp_path / "a project")
    project.journal.judge([SHORTCUT], "spurious")
    config = TuneConfig(epochs=2, batches=5, threshold=0.3, mask_value=0.5, magnitude=False, seed=3)
    live = BackgroundRun(Diagnosis(project), config, tuning)
    live.wait(60)
    assert live.run is not None
    monkeypatch.chdir(tmp_path)
    ask(*shlex.split(tune_command(project, live.run))[1:])
    np.testing.assert_array_equal(LinearHead.load("tuned/head.safetensors").weight, live.run.head.weight)
