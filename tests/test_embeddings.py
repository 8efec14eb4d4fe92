"""Embedding sets: what they accept, what they refuse in words, and that the disk gives back what it was given."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurontune_core import embeddings as module
from neurontune_core import files
from neurontune_core.embeddings import EmbeddingSet, check_compatible, checksums
from neurontune_core.errors import InputError, listing


def make_set(samples: int = 12, neurons: int = 4, dtype: type = np.float32, **changes) -> EmbeddingSet:
    rng = np.random.default_rng(0)
    arguments = {
        "embeddings": rng.normal(size=(samples, neurons)).astype(dtype),
        "labels": np.arange(samples) % 2,
        "class_names": ("land", "water"),
        "groups": np.arange(samples) % 4,
        "group_names": ("a", "b", "c", "d"),
        "sample_ids": np.array([f"id{row}" for row in range(samples)], dtype=object),
        "sources": np.array([f"{row}.jpg" for row in range(samples)], dtype=object),
        "split": "val",
        "provenance": {"model": "abc"},
        "pairs": [f"pair {row // 2}" if row < 6 else None for row in range(samples)],
    }
    return EmbeddingSet(**(arguments | changes))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_set_comes_back_from_disk_as_it_was_and_stays_there(tmp_path: Path, dtype: type) -> None:
    original = make_set(dtype=dtype)
    original.save(tmp_path / "deep" / "val")
    loaded = EmbeddingSet.load(tmp_path / "deep" / "val")
    assert isinstance(loaded.embeddings, np.memmap)
    assert not loaded.embeddings.flags.writeable
    assert loaded.embeddings.dtype == dtype
    for name in ("embeddings", "labels", "groups", "sample_ids", "sources", "pairs"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(original, name))
    for name in ("class_names", "group_names", "split", "num_samples", "num_neurons", "num_classes"):
        assert getattr(loaded, name) == getattr(original, name)
    assert loaded.provenance["model"] == "abc"
    assert sorted(path.name for path in (tmp_path / "deep" / "val").iterdir()) == [
        "embeddings.npy",
        "meta.json",
        "samples.parquet",
    ]


def test_a_set_without_groups_or_sources_comes_back_without(tmp_path: Path) -> None:
    make_set(groups=None, sources=None, sample_ids=np.empty(0, dtype=object)).save(tmp_path)
    loaded = EmbeddingSet.load(tmp_path)
    assert loaded.groups is None
    assert loaded.group_names == ()
    assert loaded.sources is None
    assert loaded.sample_ids.tolist() == [str(row) for row in range(12)]


def test_a_set_can_be_saved_over_the_folder_it_is_mapped_from(tmp_path: Path) -> None:
    make_set().save(tmp_path)
    EmbeddingSet.load(tmp_path).take(np.arange(3)).save(tmp_path)
    assert EmbeddingSet.load(tmp_path).num_samples == 3


def test_equal_vectors_have_equal_checksums_and_others_do_not(tmp_path: Path) -> None:
    for name, dtype in (("a", np.float32), ("b", np.float32), ("c", np.float16)):
        make_set(dtype=dtype).save(tmp_path / name)
    checksums = [EmbeddingSet.load(tmp_path / name).fingerprint for name in "abc"]
    assert checksums[0] == checksums[1] != checksums[2]


def test_double_precision_and_whole_numbers_become_single_precision() -> None:
    assert make_set(embeddings=np.ones((12, 4))).embeddings.dtype == np.float32
    assert make_set(embeddings=np.ones((12, 4), dtype=int)).embeddings.dtype == np.float32


def test_labels_may_be_whole_floats_as_tables_with_gaps_give_them() -> None:
    assert make_set(labels=np.arange(12) % 2 * 1.0).labels.dtype == np.int64


def test_take_keeps_every_column_in_step() -> None:
    taken = make_set().take(np.array([5, 0, 7]))
    assert taken.labels.tolist() == [1, 0, 1]
    assert taken.groups.tolist() == [1, 0, 3]
    assert taken.sample_ids.tolist() == ["id5", "id0", "id7"]
    assert taken.sources.tolist() == ["5.jpg", "0.jpg", "7.jpg"]
    assert taken.pairs.tolist() == ["pair 2", "pair 0", None]
    np.testing.assert_array_equal(taken.embeddings, make_set().embeddings[[5, 0, 7]])


def test_halves_keep_the_pairs_of_their_samples() -> None:
    whole = make_set()
    pair_of = dict(zip(whole.sample_ids, whole.pairs, strict=True))
    for half in whole.halves(0):
        assert half.pairs.tolist() == [pair_of[name] for name in half.sample_ids]


@pytest.mark.parametrize("pairs", [None, [None] * 12, [""] * 12, [float("nan")] * 12])
def test_a_set_in_which_no_sample_has_a_pair_has_none(tmp_path: Path, pairs: list | None) -> None:
    original = make_set(pairs=pairs)
    original.save(tmp_path)
    assert "pair" not in pd.read_parquet(tmp_path / "samples.parquet")
    assert original.pairs is None
    assert EmbeddingSet.load(tmp_path).pairs is None


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(2, 15), min_size=2, max_size=5), seed=st.integers(0, 2**32))
def test_halves_are_disjoint_complete_and_stratified(counts: list[int], seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    whole = EmbeddingSet(np.arange(len(labels), dtype=np.float32)[:, None], labels, tuple(map(str, range(len(counts)))))
    first, second = whole.halves(seed)
    assert sorted([*first.sample_ids, *second.sample_ids]) == sorted(whole.sample_ids)
    assert set(first.sample_ids).isdisjoint(second.sample_ids)
    for label, count in enumerate(counts):
        sizes = sorted(int((half.labels == label).sum()) for half in (first, second))
        assert sizes == [count // 2, count - count // 2]
    assert abs(first.num_samples - second.num_samples) <= 1
    again = whole.halves(seed)[0]
    np.testing.assert_array_equal(again.sample_ids, first.sample_ids)


def test_another_seed_gives_other_halves() -> None:
    whole = make_set(samples=60)
    assert whole.halves(0)[0].sample_ids.tolist() != whole.halves(1)[0].sample_ids.tolist()


def test_a_class_with_a_single_sample_cannot_be_halved() -> None:
    lonely = make_set(labels=np.array([1] + [0] * 11))
    with pytest.raises(InputError, match='Class "water" has a single sample, so the set cannot be halved by class'):
        lonely.halves()


def with_bad_value(row: int, value: float) -> np.ndarray:
    embeddings = np.ones((12, 4), dtype=np.float32)
    embeddings[row, 2] = value
    return embeddings


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"embeddings": np.ones(12, np.float32)}, r"Expected embeddings of shape \[samples, neurons\].* \[12\]"),
        ({"embeddings": np.ones((0, 4), np.float32)}, r"Expected embeddings of shape .* \[0, 4\]"),
        ({"embeddings": np.ones((12, 4), complex)}, "Expected embeddings of real numbers, but got complex128"),
        ({"embeddings": np.full((12, 4), "x")}, "Expected embeddings of real numbers, but got <U1"),
        ({"labels": np.zeros(3, int)}, r"Expected 12 labels, one per embedding, but got an array of shape \[3\]"),
        ({"labels": np.arange(12)}, r"10 labels lie outside 0..1 \(2 class names\), the first in row 2: 2"),
        ({"labels": np.full(12, -1)}, "12 labels lie outside 0..1 .* the first in row 0: -1"),
        ({"labels": np.full(12, 0.5)}, "Expected whole numbers as labels, but got float64 values such as .*0.5"),
        ({"labels": np.full(12, np.nan)}, "Expected whole numbers as labels, but got float64 values such as .*nan"),
        ({"labels": np.full(12, "a")}, "Expected whole numbers as labels, but got <U1"),
        ({"groups": np.full(12, 4)}, r"12 groups lie outside 0..3 \(4 group names\)"),
        ({"groups": np.zeros(3, int)}, "Expected 12 groups, one per embedding"),
        ({"sample_ids": np.array(["a"])}, "Expected 12 sample_ids, one per embedding, but got 1"),
        ({"sources": np.array(["a"])}, "Expected 12 sources, one per embedding, but got 1"),
        ({"pairs": ["a"]}, "Expected 12 pairs, one per embedding, but got 1"),
        ({"embeddings": with_bad_value(7, np.nan)}, "1 embeddings hold NaN or infinity, in rows 7; remove these"),
        ({"embeddings": with_bad_value(0, -np.inf)}, "1 embeddings hold NaN or infinity, in rows 0;"),
        ({"embeddings": np.full((12, 4), np.inf)}, "12 embeddings .* in rows 0, 1, 2, 3, 4 and 7 more"),
        ({"embeddings": np.full((12, 4), 1e300)}, "12 embeddings hold NaN or infinity"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_bad_input_is_refused_in_words(changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make_set(**changes)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_infinities_that_cancel_are_found_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_PER_CHECK", 5)
    embeddings = with_bad_value(3, np.inf)
    embeddings[3, 0], embeddings[11, 1] = -np.inf, np.nan
    with pytest.raises(InputError, match="2 embeddings hold NaN or infinity, in rows 3, 11;"):
        make_set(embeddings=embeddings)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_value_in_half_precision_is_found(bad: float) -> None:
    with pytest.raises(InputError, match="1 embeddings hold NaN or infinity, in rows 7;"):
        make_set(embeddings=with_bad_value(7, bad).astype(np.float16))


def test_sums_beyond_half_precision_are_not_taken_for_infinity() -> None:
    make_set(embeddings=np.full((12, 4), 60_000, np.float16))


def test_sets_of_other_neurons_or_classes_do_not_belong_together() -> None:
    check_compatible(make_set(), make_set())
    with pytest.raises(InputError, match="one has 4 neurons, the other 5; extract both with the same model"):
        check_compatible(make_set(), make_set(neurons=5))
    with pytest.raises(InputError, match="one has 2 classes, the other 3"):
        check_compatible(make_set(), make_set(class_names=("a", "b", "c")))


def test_listing_cuts_long_lists() -> None:
    assert listing([3, 5]) == "3, 5"
    assert listing(list(range(9)), limit=3) == "0, 1, 2 and 6 more"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no folder .*nowhere"):
        EmbeddingSet.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["meta.json", "embeddings.npy", "samples.parquet"])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "garbage"])
def test_a_damaged_file_is_refused_in_words(tmp_path: Path, name: str, damage: str) -> None:
    make_set(samples=500).save(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(
            {"empty": b"", "truncated": content[: len(content) // 2], "garbage": b"\x93garbage" * 9}[damage]
        )
    with pytest.raises(InputError, match=r"cannot be read|is not a JSON file|There is no file"):
        EmbeddingSet.load(tmp_path)


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("how", ["object array", "bare pickle", "npz"])
def test_a_pickle_in_place_of_the_vectors_is_refused_and_not_run(tmp_path: Path, how: str) -> None:
    make_set().save(tmp_path)
    trap = Trap(tmp_path / "sprung")
    if how == "object array":
        np.save(tmp_path / "embeddings.npy", np.array([[trap]], dtype=object), allow_pickle=True)
    elif how == "bare pickle":
        (tmp_path / "embeddings.npy").write_bytes(pickle.dumps(trap))
    else:
        with (tmp_path / "embeddings.npy").open("wb") as file:
            np.savez(file, x=np.ones(3))
    with pytest.raises(InputError, match="cannot be read"):
        EmbeddingSet.load(tmp_path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other/1"}, "does not describe an embedding set"),
        ({"shape": [12, 5]}, r"holds \[12, 4\] values, but its meta.json says \[12, 5\]"),
        ({"class_names": ["only"]}, "6 labels lie outside 0..0"),
        ({"class_names": None}, "cannot be read"),
    ],
)
def test_a_description_that_disagrees_with_the_vectors_is_refused(tmp_path: Path, change: dict, sentence: str) -> None:
    make_set().save(tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps(meta | change))
    with pytest.raises(InputError, match=sentence):
        EmbeddingSet.load(tmp_path)


@pytest.mark.parametrize("content", ["[]", "7", '{"format": "neurontune-embeddings/1"}'])
def test_json_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    make_set().save(tmp_path)
    (tmp_path / "meta.json").write_text(content)
    with pytest.raises(InputError, match=r"does not describe an embedding set|cannot be read"):
        EmbeddingSet.load(tmp_path)


def test_a_table_with_too_few_rows_or_a_missing_column_is_refused(tmp_path: Path) -> None:
    make_set().save(tmp_path)
    table = pd.read_parquet(tmp_path / "samples.parquet")
    table.iloc[:5].to_parquet(tmp_path / "samples.parquet")
    with pytest.raises(InputError, match="Expected 12 labels, one per embedding"):
        EmbeddingSet.load(tmp_path)
    table.drop(columns="label").to_parquet(tmp_path / "samples.parquet")
    with pytest.raises(InputError, match=r"cannot be read .*label"):
        EmbeddingSet.load(tmp_path)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_whole(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    files.write_json(target, {"a": 1})
    assert files.read_json(target) == {"a": 1}


def test_vectors_that_were_replaced_on_disk_are_refused_even_under_an_older_date(tmp_path: Path) -> None:
    make_set().save(tmp_path)
    file = tmp_path / "embeddings.npy"
    before = file.stat()
    np.save(file, np.load(file) + 1)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match=r"The vectors of the embedding set .* are not those .*import it again"):
        EmbeddingSet.load(tmp_path)


def test_a_copied_set_and_one_saved_anew_are_opened(tmp_path: Path) -> None:
    make_set().save(tmp_path / "set")
    copy = shutil.copytree(tmp_path / "set", tmp_path / "copy")
    (copy / "embeddings.npy").touch()
    for _ in range(2):
        assert EmbeddingSet.load(copy).fingerprint == EmbeddingSet.load(tmp_path / "set").fingerprint
    make_set(embeddings=np.ones((12, 4), np.float32)).save(copy)
    assert EmbeddingSet.load(copy).fingerprint != EmbeddingSet.load(tmp_path / "set").fingerprint


def test_a_file_that_was_hashed_is_hashed_again_once_it_changes(tmp_path: Path) -> None:
    make_set().save(tmp_path)
    file = tmp_path / "embeddings.npy"
    file.touch()
    EmbeddingSet.load(tmp_path)
    np.save(file, np.load(file) + 1)
    with pytest.raises(InputError, match=r"are not those that its meta\.json describes"):
        EmbeddingSet.load(tmp_path)


def test_the_fingerprint_follows_the_vectors_and_not_the_rest(tmp_path: Path) -> None:
    make_set().save(tmp_path)
    loaded = EmbeddingSet.load(tmp_path)
    other = replace(loaded, embeddings=np.asarray(loaded.embeddings) + 1)
    assert other.fingerprint != loaded.fingerprint == make_set().fingerprint
    assert replace(loaded, groups=None).fingerprint == loaded.fingerprint
    assert loaded.take(np.arange(3)).fingerprint == make_set().take(np.arange(3)).fingerprint != loaded.fingerprint
    assert checksums({"read": loaded, "changed": other, "made": make_set()}) == {
        "read": loaded.fingerprint,
        "changed": "",
        "made": "",
    }


def test_a_sample_id_that_occurs_twice_is_named() -> None:
    with pytest.raises(InputError, match=r'^The sample id "b" occurs 3 times; give every sample an id of its own'):
        make_set(sample_ids=np.array([*"abcbdbefghij"], dtype=object))
