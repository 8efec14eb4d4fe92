"""Ready-made embeddings: ``.npz``, ``.npy``, Parquet, safetensors or HDF5 with vectors and labels -> EmbeddingSet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.datasets.base import group_names as names_of_groups
from neurontune_core.datasets.files_below import readable
from neurontune_core.datasets.labels import codes, split_codes
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.extraction.array_files import Arrays, read_arrays

# What files call these arrays, the likelier name first. Compared without case.
ARRAY_NAMES = {
    "embeddings": ("embeddings", "embedding", "features", "feature", "vectors", "vector", "x", "z", "v"),
    "labels": ("labels", "label", "y", "targets", "target"),
    "groups": ("groups", "group", "g"),
    "attributes": ("attributes", "attribute", "a", "place", "spurious"),
    "splits": ("splits", "split"),
    "pairs": ("pairs", "pair", "pair_id"),
    "units": ("units", "unit", "unit_id", "patient", "patient_id", "subject", "subject_id"),
    "sample_ids": ("sample_ids", "ids", "id", "filename", "filenames", "file_name"),
    "class_names": ("class_names", "classes"),
    "group_names": ("group_names",),
}
MAX_OUTPUTS = 20_000  # beyond this, whole numbers are ids, not classes
_PER_SAMPLE = ("labels", "groups", "attributes", "splits", "pairs", "units", "sample_ids")


def read_embeddings(
    path: str | Path,
    labels: str | Path | None = None,
    groups: str | Path | None = None,
    *,
    split: str = "",
    names: Mapping[str, str] | None = None,
    class_names: Sequence[str] | None = None,
    group_names: Sequence[str] | None = None,
) -> EmbeddingSet:
    """Read vectors and labels that another program wrote; nothing is unpickled, and a ``.npy`` stays on disk.

    With ``attributes`` instead of groups, the groups are ``label * n_attributes + attribute``. Two samples with the
    same text in ``pairs`` differ in the attribute alone; samples with the same text in ``units`` belong together.

    Args:
        path: a file with embeddings [N, M] and, unless ``labels`` gives them, labels [N]; a Parquet file has one row
            per sample, with the vector as a list in one column, or one number in each of "0", "1", ... or "f0", ...
        labels, groups: separate files with one value per row: ``.npy``, or text with one value a line.
        split: of a file with several splits, the one to read; otherwise the name of the set.
        names: array or column by role, where `ARRAY_NAMES` does not tell, such as ``{"embeddings": "penult"}``; None
            leaves the role out.
        class_names, group_names: names of indices from 0, or the order of labels and groups that are names.

    Raises:
        InputError: when the file is of another kind, damaged, larger than the memory, or incomplete.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(Path(folder, "birds.npz"), embeddings=np.eye(3), labels=["land", "water", "water"])
    ...     birds = read_embeddings(Path(folder, "birds.npz"))
    >>> birds.class_names, birds.labels.tolist()
    (('land', 'water'), [0, 1, 1])
    """
    path = Path(path)
    arrays = _roles(read_arrays(path), names or {}, path)
    for role, file in (("labels", labels), ("groups", groups)):
        if file is not None:
            arrays[role] = _one_a_row(Path(file))
    for role in ("embeddings", "labels"):
        if role not in arrays:
            fix = "; give them in a file of their own" if role == "labels" else ""
            raise InputError(f"{path} has no array that looks like the {role}; name it, one of {arrays['all']}{fix}.")
    if arrays["embeddings"].ndim and not len(arrays["embeddings"]):
        raise InputError(f"{path} holds no rows; give at least one sample of each class.")
    arrays, split = _one_split(arrays, split, path)
    indices, classes = _indices(arrays["labels"], class_names, arrays.get("class_names"), "label", "class")
    group_indices, groups_named = _groups(arrays, indices, classes, group_names)
    return EmbeddingSet(
        arrays["embeddings"],
        indices,
        classes,
        groups=group_indices,
        group_names=groups_named,
        sample_ids=_ids(arrays.get("sample_ids"), path),
        split=split,
        provenance={"imported": path.name},
        pairs=_strings(arrays["pairs"]).to_numpy(dtype=object) if "pairs" in arrays else None,
        units=_strings(arrays["units"]).to_numpy(dtype=object) if "units" in arrays else None,
    )


def _roles(available: Arrays, names: Mapping[str, str | None], path: Path) -> dict[str, Any]:
    """Return the arrays by role, and the names of all under "all"."""
    unknown = set(names) - set(ARRAY_NAMES)
    if unknown:
        raise InputError(f'names has "{min(unknown)}", which is not one of {", ".join(ARRAY_NAMES)}.')
    by_name = {name.lower(): name for name in available}
    arrays: dict[str, Any] = {"all": sorted(available)}
    for role, known in ARRAY_NAMES.items():
        name = names[role] if role in names else next((by_name[name] for name in known if name in by_name), None)
        if name is None:
            continue
        if name not in available:
            raise InputError(f'{path} has no array "{name}" for the {role}; it has {sorted(available)}.')
        arrays[role] = available[name]
    return arrays


def _one_split(arrays: dict[str, Any], split: str, path: Path) -> tuple[dict[str, Any], str]:
    """Return the rows of one split, and its name; a file without splits is returned whole."""
    rows = len(arrays["embeddings"]) if arrays["embeddings"].ndim else 0
    for role in _PER_SAMPLE:
        if role in arrays and arrays[role].shape != (rows,):
            raise InputError(
                f"Expected {rows} {role.replace('_', ' ')}, one per embedding, but {path} has an array of shape "
                f"{list(arrays[role].shape)}."
            )
    if "splits" not in arrays:
        return arrays, split
    row_splits = split_codes(_strings(arrays["splits"]))
    present = sorted(set(row_splits.tolist()))
    if not split and len(present) > 1:
        raise InputError(f"{path} holds the splits {', '.join(present)}; say which one to read.")
    split = split or present[0]
    chosen = np.flatnonzero(row_splits == split)
    if not len(chosen):
        raise InputError(f'{path} has no rows of split "{split}"; it has {", ".join(present)}.')
    taken = {role: arrays[role][chosen] for role in ("embeddings", *_PER_SAMPLE) if role in arrays}
    return arrays | taken, split


def _indices(
    values: np.ndarray, requested: Sequence[str] | None, stored: np.ndarray | None, column: str, prefix: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    if stored is not None and np.ndim(stored) > 1:
        raise InputError(f"Expected a list of {prefix} names, but got an array of shape {list(stored.shape)}.")
    names = requested if requested is not None else None if stored is None else _strings(np.atleast_1d(stored)).tolist()
    if values.dtype.kind == "f" and not np.array_equal(values, np.trunc(values)):
        raise InputError(f"Expected whole numbers or names as {column}s, but got {values.dtype} values with fractions.")
    if values.dtype.kind in "iu" and len(values) and int(values.max()) > MAX_OUTPUTS:
        raise InputError(f"The {column} {int(values.max())} is no class; number {column}s from 0, or give names.")
    indices, classes = codes(_strings(values), names, column, prefix, relative=False)
    if names is None and len(classes) > len(values):
        raise InputError(
            f"The {column} indices go up to {len(classes) - 1} with {len(values)} samples; number them from 0, or give "
            f"{prefix}_names."
        )
    return indices, classes


def _groups(
    arrays: Mapping[str, Any], labels: np.ndarray, classes: tuple[str, ...], requested: Sequence[str] | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if "groups" in arrays:
        return _indices(arrays["groups"], requested, arrays.get("group_names"), "group", "group")
    if "attributes" not in arrays:
        return None, ()
    attributes, attribute_names = codes(_strings(arrays["attributes"]), None, "attributes", "attribute")
    names = tuple(requested) if requested is not None else names_of_groups(classes, attribute_names)
    return labels * len(attribute_names) + attributes, names


def _strings(values: np.ndarray) -> Any:
    """Return a pandas Series of text; bytes, as HDF5 and safetensors keep it, are decoded."""
    import pandas as pd

    values = np.asarray(values)
    if values.dtype.kind == "S" or (values.dtype == object and len(values) and isinstance(values[0], bytes)):
        values = np.array([value.decode("utf-8", "replace") for value in values.tolist()], dtype=object)
    if values.dtype.kind in "OU":
        for value in values.reshape(-1).tolist():
            if isinstance(value, str) and not readable(value):
                raise InputError(f"The name {value!a} is no text; save names in UTF-8.")
    return pd.Series(values).astype("str").fillna("").str.strip()


def _ids(values: np.ndarray | None, path: Path) -> np.ndarray:
    if values is None:
        return np.empty(0, dtype=object)
    ids = _strings(values)
    if ids.duplicated().any():
        repeated = int(ids.duplicated().to_numpy().argmax())
        raise InputError(
            f'Row {repeated + 1} of {path} repeats the sample id "{ids.iat[repeated]}"; give each its own.'
        )
    return ids.to_numpy(dtype=object)


def _one_a_row(path: Path) -> np.ndarray:
    """Read [N] values of a ``.npy``, or of a text file with one value a line."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    if path.suffix.lower() == ".npy":
        return read_arrays(path)["embeddings"].reshape(-1)
    try:
        return np.array([line.strip() for line in path.read_text(encoding="utf-8").splitlines()], dtype=object)
    except UnicodeDecodeError:
        raise InputError(f"{path} is neither .npy nor UTF-8 text with one value a line.") from None
