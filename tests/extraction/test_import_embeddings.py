"""Vectors that another program wrote: every kind of file gives the same set, and nothing is unpickled."""

from __future__ import annotations

import pickle
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from neurontune_core.errors import InputError
from neurontune_core.extraction.import_embeddings import read_embeddings

VECTORS = np.arange(24, dtype=np.float32).reshape(6, 4) / 7
LABELS = np.array([0, 1, 2, 0, 1, 2])
GROUPS = np.array([0, 3, 4, 1, 2, 5])


def npz(folder: Path) -> Path:
    np.savez(folder / "v.npz", embeddings=VECTORS, labels=LABELS, groups=GROUPS)
    return folder / "v.npz"


def lists(folder: Path) -> Path:
    pd.DataFrame({"embedding": list(VECTORS), "label": LABELS, "group": GROUPS}).to_parquet(folder / "v.parquet")
    return folder / "v.parquet"


def fixed_lists(folder: Path) -> Path:
    table = pa.table({"x": pa.FixedSizeListArray.from_arrays(VECTORS.ravel(), 4), "label": LABELS, "group": GROUPS})
    pq.write_table(table, folder / "x.parquet", row_group_size=2)
    return folder / "x.parquet"


def columns(folder: Path) -> Path:
    """Return columns in an order that sorting them as text would spoil."""
    wide = np.concatenate([VECTORS] * 3, axis=1)
    table = pd.DataFrame({f"f{number}": wide[:, number] for number in (11, 10, *range(10))})
    table.assign(y=LABELS, group=GROUPS).to_parquet(folder / "w.parquet")
    return folder / "w.parquet"


def safetensors(folder: Path) -> Path:
    arrays = {"features": VECTORS, "labels": LABELS, "groups": GROUPS}
    save_file(arrays, folder / "v.safetensors", metadata={"class_names": '["a", "b", "c"]'})
    return folder / "v.safetensors"


@pytest.mark.parametrize("write", [npz, lists, fixed_lists, columns, safetensors])
def test_every_kind_of_file_gives_vectors_labels_and_groups(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = read_embeddings(write(tmp_path), split="val")
    expected = np.concatenate([VECTORS] * 3, axis=1) if write is columns else VECTORS
    np.testing.assert_array_equal(result.embeddings, expected)
    assert result.labels.tolist() == LABELS.tolist()
    assert result.groups is not None
    assert result.groups.tolist() == GROUPS.tolist()
    assert result.class_names == (("a", "b", "c") if write is safetensors else ("class 0", "class 1", "class 2"))
    assert result.split == "val"


def test_an_npy_stays_on_disk_and_takes_its_labels_from_another_file(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VECTORS)
    np.save(tmp_path / "y.npy", LABELS)
    (tmp_path / "y.txt").write_text("a\nb\nc\na\nb\nc\n")
    numbers = read_embeddings(tmp_path / "v.npy", tmp_path / "y.npy")
    named = read_embeddings(tmp_path / "v.npy", tmp_path / "y.txt", tmp_path / "y.npy", class_names=["c", "b", "a"])
    assert isinstance(numbers.embeddings, np.memmap)
    assert numbers.labels.tolist() == LABELS.tolist()
    assert named.labels.tolist() == [2, 1, 0, 2, 1, 0]
    assert named.groups is not None
    assert named.groups.tolist() == LABELS.tolist()
    with pytest.raises(InputError, match=r"no array that looks like the labels; .* a file of their own"):
        read_embeddings(tmp_path / "v.npy")
    np.save(tmp_path / "y.npy", LABELS[:5])
    with pytest.raises(InputError, match=r"Expected 6 labels, one per embedding, .*\[5\]"):
        read_embeddings(tmp_path / "v.npy", tmp_path / "y.npy")


def test_attributes_make_groups_label_by_label(tmp_path: Path) -> None:
    place = np.array([0, 1, 0, 1, 1, 0])
    np.savez(tmp_path / "v.npz", X=VECTORS, y=LABELS, place=place)
    result = read_embeddings(tmp_path / "v.npz")
    assert result.groups is not None
    assert result.groups.tolist() == (LABELS * 2 + place).tolist()
    assert result.group_names[3] == "class 1, attribute 1"
    assert read_embeddings(tmp_path / "v.npz", names={"attributes": None}).groups is None


def test_one_split_of_several_is_read_by_name(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "v.npz",
        X=VECTORS,
        y=LABELS,
        split=["train", "val", "val", "train", "test", "val"],
        id=list("abcdef"),
    )
    result = read_embeddings(tmp_path / "v.npz", split="val")
    assert result.labels.tolist() == [1, 2, 2]
    assert result.sample_ids.tolist() == ["b", "c", "f"]
    np.testing.assert_array_equal(result.embeddings, VECTORS[[1, 2, 5]])
    with pytest.raises(InputError, match="holds the splits test, train, val; say which"):
        read_embeddings(tmp_path / "v.npz")
    with pytest.raises(InputError, match='no rows of split "dev"; it has test'):
        read_embeddings(tmp_path / "v.npz", split="dev")
    np.savez(tmp_path / "two.npz", X=VECTORS, y=LABELS, split=["train", "val"] * 3)
    with pytest.raises(InputError, match="holds the splits train, val; say which"):
        read_embeddings(tmp_path / "two.npz")
    np.savez(tmp_path / "one.npz", X=VECTORS, y=LABELS, split=["val"] * 6)
    only = read_embeddings(tmp_path / "one.npz")
    assert (only.split, only.num_samples) == ("val", 6)


def test_a_wrong_name_is_refused_with_those_there_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", penult=VECTORS, y=LABELS)
    with pytest.raises(InputError, match=r"looks like the embeddings; name it, one of \['penult', 'y'\]"):
        read_embeddings(tmp_path / "v.npz")
    assert read_embeddings(tmp_path / "v.npz", names={"embeddings": "penult"}).num_neurons == 4
    with pytest.raises(InputError, match=r"no array \"last\" for the embeddings; it has \['penult', 'y'\]"):
        read_embeddings(tmp_path / "v.npz", names={"embeddings": "last"})
    with pytest.raises(InputError, match='names has "vectors", which is not one of embeddings'):
        read_embeddings(tmp_path / "v.npz", names={"vectors": "penult"})


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": [0, 1, 2, 0, 1, -2]}, r'-2 in row 6 of column "label"'),
        ({"labels": LABELS, "class_names": ["a", "b"]}, r"2 in row 3 .* 0..1"),
        ({"labels": LABELS, "ids": list("abcdea")}, 'Row 6 of .* repeats the sample id "a"'),
        ({"labels": np.stack([LABELS] * 2)}, r"Expected 6 labels.* shape \[2, 6\]"),
        ({"labels": LABELS, "embeddings": VECTORS * np.nan}, "NaN or infinity"),
        ({"labels": LABELS, "embeddings": VECTORS[:, 0]}, r"shape \[samples, neurons\]"),
        ({"labels": LABELS, "split": ["later"] * 6}, 'split "later" is not known'),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", **{"embeddings": VECTORS} | arrays)
    with pytest.raises(InputError, match=message):
        read_embeddings(tmp_path / "v.npz")


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("ending", ["npz", "npy", "parquet", "safetensors"])
def test_a_pickle_under_any_name_is_refused_and_never_run(ending: str, tmp_path: Path) -> None:
    bomb = Bomb(tmp_path / "exploded")
    (tmp_path / f"raw.{ending}").write_bytes(pickle.dumps(bomb))
    objects = np.array([bomb], dtype=object)
    if ending == "npz":
        np.savez(tmp_path / "objects.npz", embeddings=VECTORS, labels=objects, allow_pickle=True)
    elif ending == "npy":
        np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    for file in tmp_path.glob(f"*.{ending}"):
        with pytest.raises(InputError, match=f"{file.name}"):
            read_embeddings(file)
    np.save(tmp_path / "v.npy", VECTORS)
    np.save(tmp_path / "y.npy", objects, allow_pickle=True)
    with pytest.raises(InputError, match="never read"):
        read_embeddings(tmp_path / "v.npy", tmp_path / "y.npy")
    assert not (tmp_path / "exploded").exists()


def test_what_does_not_fit_in_memory_is_refused_before_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "v.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("embeddings.npy", bytes(50_000_000))  # 50 kB on disk
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000_000))
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("the arrays were read"))
    with pytest.raises(InputError, match=r"unpacks to 0.1 GB, but 0.0 GB of memory are free"):
        read_embeddings(tmp_path / "v.npz")


def test_vectors_of_different_lengths_are_refused(tmp_path: Path) -> None:
    for strange in (VECTORS[2, :3].tolist(), [], None):
        ragged = [*VECTORS[:5].tolist(), strange]
        pd.DataFrame({"embedding": ragged, "label": LABELS}).to_parquet(tmp_path / "v.parquet")
        with pytest.raises(InputError, match=r'column "embedding" of .* not all of one length'):
            read_embeddings(tmp_path / "v.parquet")


def test_other_files_and_hdf5_without_its_library_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v.pt").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"use one of .npz, .npy, .parquet"):
        read_embeddings(tmp_path / "v.pt")
    with pytest.raises(InputError, match="There is no file"):
        read_embeddings(tmp_path / "missing.npz")
    (tmp_path / "v.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"h5py is not installed; install it, or save the arrays by np.savez"):
        read_embeddings(tmp_path / "v.h5")


def test_hdf5_reads_its_own_arrays_and_follows_no_link_out(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is optional")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["labels"] = LABELS
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["embeddings"] = VECTORS
        file["labels"] = h5py.ExternalLink("other.h5", "/labels")
    with pytest.raises(InputError, match="looks like the labels"):
        read_embeddings(tmp_path / "v.h5")
    with h5py.File(tmp_path / "v.h5", "a") as file:
        del file["labels"]
        file["labels"] = ["b", "a", "c", "b", "a", "c"]
    result = read_embeddings(tmp_path / "v.h5")
    assert result.class_names == ("a", "b", "c")
    assert result.labels.tolist() == [1, 0, 2, 1, 0, 2]


def test_real_vectors_load_with_their_groups(shared_data: Path) -> None:
    folder = shared_data / "waterbirds_style"
    file = folder / "efficientnet_lite0_features_f16.npz"
    table = pd.read_csv(folder / "metadata.csv").set_index("filename")
    for split, size in (("train", 1170), ("val", 176), ("test", 596)):
        result = read_embeddings(file, split=split)
        assert (result.num_samples, result.num_neurons, result.embeddings.dtype) == (size, 1280, np.float16)
        rows = table.loc[result.sample_ids]
        assert result.groups is not None
        assert result.groups.tolist() == (rows["y"] * 2 + rows["place"]).tolist()
