"""One sentence for every bad input of the command line."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from neurontune_core import EmbeddingSet
from neurontune_core.mask import Mask
from tests.support.cli import M, call, complaint, tune


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


def test_a_head_that_tune_did_not_write_has_no_card(folder: Path) -> None:
    Mask(np.zeros(M, dtype=bool), 0.0, 0.0).save(folder / "mask.json")
    assert "has no record of how it was tuned" in complaint(
        "export", "--head", folder / "head.safetensors", "--mask", folder / "mask.json", "--out", folder / "bundle",
        "--erm", folder / "head.safetensors", "--evaluation", folder / "test",
    )  # fmt: skip
