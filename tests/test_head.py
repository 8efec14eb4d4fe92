"""Linear heads: logits, folding a mask, and safetensors files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from neurontune_core import head as module
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.head import LinearHead, softmax


@pytest.fixture
def head() -> LinearHead:
    rng = np.random.default_rng(0)
    return LinearHead(rng.normal(size=(3, 5)), rng.normal(size=3), ("a", "b", "c"), {"method": "ERM", "epoch": 3})


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_logits_are_the_dot_products_in_any_number_of_blocks(
    head: LinearHead, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_VALUES_PER_BLOCK", 20)
    embeddings = np.random.default_rng(1).normal(size=(11, 5)).astype(dtype)
    expected = np.empty((11, 3))
    for row in range(11):
        for label in range(3):
            products = [float(embeddings[row, i]) * float(head.weight[label, i]) for i in range(5)]
            expected[row, label] = sum(products) + float(head.bias[label])
    logits = head.logits(embeddings)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(head.predict(embeddings), expected.argmax(axis=1))


def test_logits_are_those_of_a_torch_linear_layer(head: LinearHead) -> None:
    layer = torch.nn.Linear(5, 3)
    layer.load_state_dict({"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)})
    embeddings = np.random.default_rng(2).normal(size=(7, 5)).astype(np.float32)
    expected = layer(torch.from_numpy(embeddings)).detach().numpy()
    np.testing.assert_allclose(head.logits(embeddings), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_a_folded_mask_on_raw_embeddings_is_the_head_on_masked_embeddings(
    head: LinearHead, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(3)
    mask = rng.choice(np.array([0, 0.5, 1], dtype=np.float32), size=shape)
    embeddings = rng.normal(size=(9, 5)).astype(np.float32)
    folded = head.masked(mask)
    for label in range(3):
        own = mask if mask.ndim == 1 else mask[label]
        expected = head.logits(embeddings * own)[:, label]
        np.testing.assert_allclose(folded.logits(embeddings)[:, label], expected, atol=1e-5)
    np.testing.assert_array_equal(folded.bias, head.bias)
    assert folded.class_names == head.class_names


def test_a_head_comes_back_from_disk_as_it_was(head: LinearHead, tmp_path: Path) -> None:
    head.save(tmp_path / "deep" / "head.safetensors")
    loaded = LinearHead.load(tmp_path / "deep" / "head.safetensors")
    np.testing.assert_array_equal(loaded.weight, head.weight)
    np.testing.assert_array_equal(loaded.bias, head.bias)
    assert loaded.class_names == ("a", "b", "c")
    assert loaded.provenance == {"method": "ERM", "epoch": 3}
    assert (loaded.num_classes, loaded.num_neurons) == (3, 5)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["head.safetensors"]


def test_a_bare_safetensors_file_of_another_tool_is_a_head_without_names(tmp_path: Path) -> None:
    save_file({"weight": np.ones((2, 4), np.float16), "bias": np.zeros(2, np.float16)}, tmp_path / "h.safetensors")
    loaded = LinearHead.load(tmp_path / "h.safetensors")
    assert loaded.class_names == ()
    assert loaded.weight.dtype == np.float32


@pytest.mark.parametrize("damage", ["empty", "truncated", "garbage"])
def test_a_damaged_head_file_is_refused(head: LinearHead, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "head.safetensors"
    head.save(path)
    content = path.read_bytes()
    path.write_bytes({"empty": b"", "truncated": content[:-10], "garbage": b"\x80\x04garbage" * 20}[damage])
    with pytest.raises(InputError, match="is not a safetensors file with a linear head"):
        LinearHead.load(path)


def test_a_missing_file_and_missing_tensors_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no head file .*nowhere"):
        LinearHead.load(tmp_path / "nowhere")
    save_file({"fc.weight": np.ones((2, 4), np.float32)}, tmp_path / "h.safetensors")
    with pytest.raises(InputError, match=r"has the tensors \['fc.weight'\], but a head needs 'weight'"):
        LinearHead.load(tmp_path / "h.safetensors")


@pytest.mark.parametrize("names", ["{not json", "7"])
def test_unreadable_names_in_the_metadata_are_refused(tmp_path: Path, names: str) -> None:
    tensors = {"weight": np.ones((2, 4), np.float32), "bias": np.zeros(2, np.float32)}
    save_file(tensors, tmp_path / "h.safetensors", metadata={"class_names": names})
    with pytest.raises(InputError, match="is not a safetensors file with a linear head"):
        LinearHead.load(tmp_path / "h.safetensors")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.ones(5), np.ones(1)), r"but got weight \[5\] and bias \[1\]"),
        ((np.ones((3, 5)), np.ones(2)), r"but got weight \[3, 5\] and bias \[2\]"),
        ((np.full((3, 5), np.nan), np.ones(3)), "The head holds NaN or infinity"),
        ((np.ones((3, 5)), np.array([0, np.inf, 0])), "The head holds NaN or infinity"),
        ((np.ones((3, 5)), np.ones(3), ("a", "b")), "The head has 3 classes but 2 class names"),
    ],
)
def test_bad_heads_are_refused(arguments: tuple, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        LinearHead(*arguments)


def test_a_head_for_other_sizes_says_so(head: LinearHead) -> None:
    head.check_fits(num_neurons=5, num_classes=3)
    with pytest.raises(InputError, match="it is for 3 classes and 5 neurons, the embeddings have 2 classes and 5"):
        head.check_fits(num_neurons=5, num_classes=2)
    with pytest.raises(InputError, match=r"it is for 5 neurons, the embeddings have shape \[2, 4\]"):
        head.logits(np.ones((2, 4), np.float32))
    with pytest.raises(InputError, match=r"the embeddings have shape \[5\]"):
        head.predict(np.ones(5, np.float32))


def test_a_head_of_one_decision_function_gives_its_value_as_the_difference_of_the_logits() -> None:
    rng = np.random.default_rng(4)
    weight, vectors = rng.normal(size=5), rng.normal(size=(7, 5)).astype(np.float32)
    head = LinearHead.from_binary(weight, -0.75, ("no", "yes"))
    logits = head.logits(vectors)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], vectors @ weight - 0.75, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(logits.sum(axis=1), 0, atol=1e-6)
    assert head.class_names == ("no", "yes")


def test_the_mean_of_heads_gives_the_mean_of_their_logits() -> None:
    rng = np.random.default_rng(5)
    heads = [LinearHead(rng.normal(size=(3, 5)), rng.normal(size=3), ("a", "b", "c")) for _ in range(4)]
    vectors = rng.normal(size=(7, 5)).astype(np.float32)
    mean = LinearHead.mean(heads)
    np.testing.assert_allclose(
        mean.logits(vectors), np.mean([head.logits(vectors) for head in heads], axis=0), atol=1e-6
    )
    assert mean.class_names == ("a", "b", "c")


def test_probabilities_of_very_large_logits_are_finite() -> None:
    logits = np.array([[1000.0, 1000.0, -1000.0], [-1000.0, -1001.0, -1000.0]])
    expected = [[0.5, 0.5, 0.0], [1 / (2 + 1 / np.e), 1 / (2 * np.e + 1), 1 / (2 + 1 / np.e)]]
    np.testing.assert_allclose(softmax(logits), expected, atol=1e-12)


def test_a_head_that_names_the_classes_in_another_order_is_reordered_by_the_files_and_refused_by_the_arithmetic(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    vectors = rng.normal(0, 0.1, (90, 3)).astype(np.float32)
    vectors[np.arange(90), labels] += 1
    names = ("ant", "mouse", "zebra")
    theirs = ("zebra", "ant", "mouse")  # output k of the head
    weight = np.eye(3, dtype=np.float32)[[names.index(name) for name in theirs]]
    head = LinearHead(weight, np.arange(3) / 100, theirs)
    samples = EmbeddingSet(vectors, labels, names)
    with pytest.raises(InputError, match="outputs are zebra, ant, mouse, but the embeddings' classes are ant, mouse"):
        evaluate(head, samples)
    head.save(tmp_path / "head.safetensors")
    assert evaluate(LinearHead.load(tmp_path / "head.safetensors", names), samples).accuracy == 1.0
    other = LinearHead(weight, np.zeros(3), ("a", "b", "c"))
    assert evaluate(other, samples).accuracy < 0.5  # names that say nothing of the classes leave the order alone
