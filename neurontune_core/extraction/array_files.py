"""Arrays by name out of the files that other programs write: ``.npz``, ``.npy``, Parquet, safetensors, HDF5."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.files import parse_json
from neurontune_core.limits import ALWAYS_UNPACKED, MAX_UNPACKED

Arrays = dict[str, np.ndarray]


def read_arrays(path: Path) -> Arrays:
    """Read the arrays of a file by name; the one of a ``.npy`` is "embeddings" and stays on disk.

    The numbered columns of a Parquet file ("0", "1", ... or "f0", "f1", ...) become one array "embeddings" [N, M].

    Raises:
        InputError: when the file is missing, of another kind, damaged, holds objects, or is larger than the memory.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(Path(folder, "birds.npz"), embeddings=np.zeros((3, 2)), labels=[0, 1, 1])
    ...     {name: array.shape for name, array in read_arrays(Path(folder, "birds.npz")).items()}
    {'embeddings': (3, 2), 'labels': (3,)}
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path} is not a file of arrays of a known kind; use one of {', '.join(_READERS)}.")
    return {name: _plain(name, values, path) for name, values in reader(path).items()}


def _plain(name: str, values: object, path: Path) -> np.ndarray:
    """Return an array of numbers or texts in the byte order of this machine.

    Raises:
        InputError: for anything else.
    """
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biufSUO":
        kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f'"{name}" in {path} is of type {kind}; save numbers, or names as text.')
    return (
        values
        if values.dtype.isnative or isinstance(values, np.memmap)
        else values.astype(values.dtype.newbyteorder("="))
    )


def _read_npz(path: Path) -> Arrays:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_memory(sum(member.file_size for member in archive.infolist()), path)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except InputError:
        raise
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, AttributeError, TypeError, MemoryError) as error:
        raise InputError(
            f"{path} is not an .npz file of plain arrays ({error}); pickled objects are never read, "
            "save by np.savez(file, embeddings=..., labels=...)."
        ) from None


def _read_npy(path: Path) -> Arrays:
    try:
        return {"embeddings": np.load(path, mmap_mode="r", allow_pickle=False)}
    except (ValueError, EOFError, OSError, TypeError) as error:
        raise InputError(
            f"{path} is not an .npy file of a plain array ({error}); pickled objects are never read, "
            "save numbers by np.save."
        ) from None


def _read_parquet(path: Path) -> Arrays:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
            numbers = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
            _check_memory(max(sum(group.total_byte_size for group in groups), 8 * numbers), path)
            table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); save it as Parquet again.") from None
    arrays = {name: _column(table[name], name, path) for name in table.column_names}
    families: dict[str, list[str]] = {}
    for name, values in arrays.items():
        if (numbered := re.fullmatch(r"(.*?)(\d+)", name)) and values.ndim == 1 and values.dtype.kind in "fiu":
            families.setdefault(numbered[1], []).append(name)
    largest = max(families.values(), key=len, default=[])
    if len(largest) > 1 and not any(values.ndim == 2 for values in arrays.values()):
        in_order = sorted(largest, key=lambda name: int(re.findall(r"\d+$", name)[0]))
        arrays["embeddings"] = np.stack([arrays.pop(name) for name in in_order], axis=1)
    return arrays


def _column(column: Any, name: str, path: Path) -> np.ndarray:
    """Return [N], or [N, M] of a column of lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(is_kind(column.type) for is_kind in kinds):
        return column.to_numpy()
    values = column.combine_chunks()
    shortest = pc.min(values.value_lengths()).as_py() or 0
    flat = values.flatten().to_numpy(zero_copy_only=False)
    if not shortest or len(flat) != len(values) * shortest:
        raise InputError(
            f'The vectors in column "{name}" of {path} are not all of one length; each row needs M numbers.'
        )
    return flat.reshape(len(values), shortest)


def _read_safetensors(path: Path) -> Arrays:
    from safetensors import SafetensorError, safe_open

    _check_memory(path.stat().st_size, path)
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            metadata = file.metadata() or {}
        for role in ("class_names", "group_names"):
            if role in metadata:
                arrays[role] = np.array(list(map(str, parse_json(metadata[role], path))), dtype=object)
        return arrays
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:  # numpy has no bfloat16
        raise InputError(f"{path} cannot be read as safetensors of float16, float32 or integers ({error}).") from None


def _read_hdf5(path: Path) -> Arrays:
    try:
        import h5py
    except ImportError:
        raise InputError(
            f"{path} is HDF5, and h5py is not installed; install it, or save the arrays by np.savez as .npz."
        ) from None
    try:
        with h5py.File(path, "r") as file:
            own = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]  # no other files
            sets = {
                name: file[name] for name in own if isinstance(file[name], h5py.Dataset) and not file[name].external
            }
            _check_memory(sum(item.nbytes for item in sets.values()), path)
            return {name: item[()] for name, item in sets.items()}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as HDF5 ({error}).") from None


def _check_memory(needed: int, path: Path) -> None:
    """Refuse before the memory is taken: a small archive may unpack to any size."""
    import psutil

    held = path.stat().st_size
    if needed > max(ALWAYS_UNPACKED, MAX_UNPACKED * held):
        raise InputError(
            f"{path} was refused: its {held / 1e6:.1f} MB unpack to {needed / 1e9:.1f} GB, which vectors never do; "
            "save them by np.save."
        )
    available = psutil.virtual_memory().available
    if needed > available:
        raise InputError(
            f"{path} unpacks to {needed / 1e9:.1f} GB, but {available / 1e9:.1f} GB of memory are free; "
            "save the vectors as .npy, which stays on disk."
        )


_READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".parquet": _read_parquet,
    ".safetensors": _read_safetensors,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
}
