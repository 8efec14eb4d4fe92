"""Hostile and odd files of vectors: one sentence, and no more memory than the file is worth."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neurontune_core.errors import InputError
from neurontune_core.extraction.import_embeddings import read_embeddings

VECTORS, LABELS = np.eye(4, 3, dtype=np.float32), np.array([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"embeddings": np.empty((0, 3)), "labels": np.empty(0, int)}, "holds no rows"),
        ({"labels": LABELS.astype(complex)}, "is of type complex128"),
        ({"labels": np.array([0, 1, 1, np.iinfo(np.int64).max])}, "is no class; number labels from 0"),
        ({"labels": np.array([0, 1, 1, 2**63], np.uint64)}, "is no class; number labels from 0"),
        ({"labels": np.array(["a", "b", "a", "\ud800"], dtype=object).astype("U2")}, "is no text; save names in UTF-8"),
        ({"class_names": np.array([["a", "b"], ["c", "d"]])}, "Expected a list of class names"),
        ({"embeddings": VECTORS.astype(complex)}, "is of type complex128"),
        ({"embeddings": np.array([["a", "b"]] * 4)}, "embeddings"),
        ({"labels": LABELS.astype("M8[s]")}, "is of type datetime64"),
    ],
)
def test_odd_arrays_are_one_sentence(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    np.savez(tmp_path / "a.npz", **({"embeddings": VECTORS, "labels": LABELS} | change))
    with pytest.raises(InputError, match=sentence):
        read_embeddings(tmp_path / "a.npz")


@pytest.mark.parametrize("order", [">f4", "<f4", ">f8", ">f2"])
def test_numbers_of_another_byte_order_are_the_same_numbers(tmp_path: Path, order: str) -> None:
    np.savez(tmp_path / "a.npz", embeddings=VECTORS.astype(order), labels=LABELS.astype(">i4"))
    read = read_embeddings(tmp_path / "a.npz")
    np.testing.assert_array_equal(read.embeddings, VECTORS)
    assert read.labels.tolist() == LABELS.tolist()


def test_a_member_that_is_no_array_is_one_sentence(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, values in (("embeddings.npy", VECTORS), ("labels.npy", LABELS)):
            file = io.BytesIO()
            np.save(file, values)
            archive.writestr(name, file.getvalue())
        archive.writestr("groups.npy", b"hello")
    with pytest.raises(InputError, match="groups"):
        read_embeddings(tmp_path / "a.npz")


def test_an_empty_file_of_hdf5_is_one_sentence(tmp_path: Path) -> None:
    h5py.File(tmp_path / "a.h5", "w").close()
    with pytest.raises(InputError, match="has no array that looks like the embeddings"):
        read_embeddings(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["embeddings"], file["labels"] = h5py.Empty("f4"), LABELS
    with pytest.raises(InputError, match=r"b\.h5"):
        read_embeddings(tmp_path / "b.h5")


@pytest.mark.parametrize("kind", ["h5", "parquet", "npz"])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before_it_does(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"bomb.{kind}"
    if kind == "h5":
        with h5py.File(file, "w") as archive:
            archive.create_dataset("embeddings", (10**6, 512), "f4", chunks=(10**4, 512), compression="gzip")
            archive["labels"] = np.zeros(10**6, np.int8)
    elif kind == "parquet":
        rows = pa.table({f"f{place}": pa.array(np.zeros(10**6, np.float32)) for place in range(60)})
        pq.write_table(rows.append_column("label", pa.array(np.zeros(10**6, np.int8))), file, compression="zstd")
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("embeddings.npy", "w") as member:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 100)}
            )
            member.write(header.getvalue())
            for _ in range(100):
                member.write(bytes(4 * 10**6))
    assert file.stat().st_size < 5 << 20
    with pytest.raises(InputError, match=r"was refused: its .* unpack to .* GB"):
        read_embeddings(file)
