"""Hugging Face ``datasets`` folders, read without that library: ``save_to_disk`` folders, Parquet and Arrow shards.

A ``save_to_disk`` folder has ``state.json``, ``dataset_info.json`` and ``*.arrow``; of several splits it has one such
folder each and ``dataset_dict.json``. A folder from the hub has ``data/train-00000-of-00002.parquet`` and the like.
Class names come from the features in ``dataset_info.json``, or from those that the shards carry in their schema.
Images lie inside the shards, as bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import SAMPLE_NOUNS, Dataset, DatasetGuess, inside, is_split
from neurontune_core.datasets.columns import (
    FROM_FILE,
    NO_CORRECTIONS,
    Corrections,
    chosen_columns,
    corrected,
    guess_columns,
    texts,
)
from neurontune_core.datasets.files_below import subfolders
from neurontune_core.datasets.image_table import add_strange_splits, understood, without
from neurontune_core.datasets.labels import label_samples
from neurontune_core.datasets.tables import Tables, arrow_table, files_by_split, joined, read_arrow
from neurontune_core.datasets.text_table import ROLES as TEXT_ROLES
from neurontune_core.datasets.text_table import from_texts, guess_text_columns, tables_by_split
from neurontune_core.errors import InputError, listing
from neurontune_core.files import parse_json, read_json
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

IMAGE_ROLES = ("path", "label", "split", "attribute", "pair", "unit")


@dataclass(frozen=True, eq=False)
class ShardedImages(Dataset):
    """Images inside Parquet or Arrow files; a ``source`` is ``<file>#<row>``.

    Attributes:
        column: the column that holds them, as ``{"bytes": ..., "path": ...}``.
    """

    column: str = field(default="image", kw_only=True)

    def look_for_files(self) -> None:
        """Check nothing: the shards were read already."""

    def image_file(self, source: str) -> Path | BytesIO:
        """Return the bytes of an image, or the file that its row names.

        Raises:
            InputError: when the row does not exist or is empty.
        """
        name, _, row = source.rpartition("#")
        cells = _images_of(inside(self.root, name), self.column)
        if not row.isdigit() or int(row) >= len(cells):
            raise InputError(f'The image "{source}" is not in {self.root}.')
        cell = cells[int(row)].as_py()
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        if data is not None:
            return BytesIO(data)
        if isinstance(cell, dict) and cell.get("path"):
            return super().image_file(str(cell["path"]))
        raise InputError(f'The image "{source}" is empty.')


def open_shards(spec: dict[str, Any], root: Path) -> Dataset:
    """Open images, texts or pairs of texts in Parquet or Arrow files.

    Rows whose label is -1 (an unlabeled test set) are left out.

    Args:
        spec: ``table`` (split -> list of files; found by default), ``columns`` (of images ``path``, the column that
            holds them, ``label``, ``split``, ``attribute``, ``pair``, ``unit``; of texts as in `open_texts`),
            ``class_names``, ``attribute_names``, ``splits``.
        root: the folder of the dataset.

    Raises:
        InputError: when there are no shards, or a column, a label or a split is not as the spec says.
    """
    files = spec.get("table") or find_shards(root)
    if not files:
        raise InputError(f"{root} has no Parquet or Arrow files; give a folder written by save_to_disk, or of shards.")
    table, sources, features = _read(root, files)
    images = _image_columns(features)
    guessed = _guess(table, images)
    label, remarks = str((guessed | (spec.get("columns") or {})).get("label")), tuple[Remark, ...]()
    if label in table and _class_names(features, label):
        spec = {"class_names": _class_names(features, label)} | spec
        kept = (texts(table, label) != "-1").to_numpy()
        remarks = _unlabeled(table[~kept], label)
        table, sources = table[kept].reset_index(drop=True), sources[kept].reset_index(drop=True)
        if table.empty:
            raise InputError(f"The shards of {root} have no labeled rows: every {label} is -1.")
    if not images:
        dataset = from_texts(spec, root, table, sources)
        return replace(dataset, remarks=(*remarks, *dataset.remarks))
    import pandas as pd

    held = table.assign(**dict.fromkeys(images, ""))
    columns = chosen_columns(held, guessed, spec, IMAGE_ROLES, required=("path", "label"))
    if columns["path"] not in images:
        raise InputError(f'The column "{columns["path"]}" holds no images; use one of {images}.')
    samples = pd.DataFrame({"id": sources.astype(object), "source": sources.astype(object)})
    labeled = label_samples(samples, table, columns, spec)
    return ShardedImages(
        root,
        labeled.samples,
        labeled.class_names,
        labeled.group_names,
        remarks=(*remarks, *labeled.remarks),
        column=columns["path"],
    )


def guess_shards(root: Path, file: str | None = None, corrections: Corrections = NO_CORRECTIONS) -> DatasetGuess | None:
    """Recognize Parquet or Arrow shards in a folder, or in one file of it; None where there are none."""
    files: Tables = file or find_shards(root)
    if not files:
        return None
    table, _, features = _read(root, files)
    images = _image_columns(features)
    held = table.assign(**dict.fromkeys(images, ""))
    columns = corrected(_guess(table, images), corrections, held, IMAGE_ROLES if images else TEXT_ROLES)
    if columns is None or not columns.get("label") or not (columns.get("path") or columns.get("text")):
        return None
    spec: dict[str, Any] = {"format": "shards", "root": str(root), "table": files, "columns": columns}
    left_out = add_strange_splits(spec, table)
    kind = SAMPLE_NOUNS["image" if images else "text_pair" if columns.get("text2") else "text"]
    names = _class_names(features, columns["label"])
    classes = f"; the classes are {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}" if names else ""
    return DatasetGuess(
        spec,
        f"A datasets folder with {len(table):,} {kind}: {understood(columns)}{classes}"
        f"{without(columns, ('split', 'attribute'))}{left_out}.",
    )


def find_shards(root: Path) -> dict[str, list[str]]:
    """Find the Arrow or Parquet files of a folder.

    Returns:
        Split -> files relative to root; the split is "" where their names have none.

    Raises:
        InputError: when a ``dataset_dict.json`` or ``state.json`` of Hugging Face is damaged.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("train-00000-of-00001.parquet", "validation-00000-of-00001.parquet"):
    ...         Path(folder, name).touch()
    ...     find_shards(Path(folder))
    {'train': ['train-00000-of-00001.parquet'], 'val': ['validation-00000-of-00001.parquet']}
    """
    if (root / "dataset_dict.json").is_file():
        content = read_json(root / "dataset_dict.json")
        splits = content.get("splits") if isinstance(content, dict) else None
        if not isinstance(splits, list):
            raise InputError(f"{root / 'dataset_dict.json'} lists no splits.")
        by_split = {str(split): _saved(root, f"{split}/") for split in splits}
        return {split: files for split, files in by_split.items() if files}
    if (root / "state.json").is_file():
        return {"": _saved(root, "")}
    folders = [root, *(folder for folder in subfolders(root) if folder.name == "data" or is_split(folder.name))]
    names = [
        path.relative_to(root).as_posix()
        for folder in folders
        for path in folder.iterdir()
        if path.suffix in (".parquet", ".arrow") and path.is_file() and path.stem != "metadata"
    ]
    return tables_by_split(names)


def _unlabeled(rows: pd.DataFrame, label: str) -> tuple[Remark, ...]:
    """Count the rows without a label, by the split of their file."""
    if rows.empty:
        return ()
    by_split = rows[FROM_FILE].value_counts().items() if FROM_FILE in rows else ()
    where = f" ({listing([f'{split} {count:,}' for split, count in by_split], 4)})" if by_split else ""
    return (Remark(f'{len(rows):,} rows without a label{where} are left out: "{label}" is -1 there.'),)


def _saved(root: Path, place: str) -> list[str]:
    """Return the files that ``state.json`` names, in its order."""
    state = read_json(inside(root, f"{place}state.json"))
    files = state.get("_data_files") if isinstance(state, dict) else None
    if not isinstance(files, list) or not all(isinstance(file, dict) and "filename" in file for file in files):
        raise InputError(f"{root / place / 'state.json'} does not say which files hold the data.")
    return [f"{place}{file['filename']}" for file in files]


def _read(root: Path, files: Tables) -> tuple[pd.DataFrame, pd.Series, dict[str, Any]]:
    """Read the rows without the images, the source of each, and the features."""
    parts: list[tuple[str, str, pd.DataFrame]] = []
    features: dict[str, Any] = {}
    for split, name in files_by_split(files):
        path = inside(root, name)
        try:
            schema = _schema(path)
            features |= _features(schema, path.parent / "dataset_info.json")
            held = [column for column in schema.names if not _holds_images(features, schema, column)]
            parts.append((split, name, read_arrow(path, held)))
        except (ValueError, OSError) as error:
            raise InputError(f"The shard {path} cannot be read ({error}).") from None
        features |= {column: {"_type": "Image"} for column in schema.names if column not in held}
    if not any(len(part) for _, _, part in parts):
        raise InputError(f"The shards of {root} have no rows.")
    return *joined(parts), features


def _schema(path: Path) -> pa.Schema:
    import pyarrow.parquet as pq

    return pq.read_schema(path) if path.suffix.lower() == ".parquet" else arrow_table(path).schema


def _features(schema: pa.Schema, info: Path) -> dict[str, Any]:
    metadata = parse_json((schema.metadata or {}).get(b"huggingface", b"{}"), info.parent)
    descriptions = [metadata.get("info")] if isinstance(metadata, dict) else []
    if info.is_file():
        descriptions.insert(0, read_json(info))
    candidates = [description.get("features") for description in descriptions if isinstance(description, dict)]
    return next((features for features in candidates if isinstance(features, dict)), {})


def _holds_images(features: Mapping[str, Any], schema: pa.Schema, column: str) -> bool:
    import pyarrow as pa

    kind = schema.field(column).type
    is_struct = pa.types.is_struct(kind) and {field.name for field in kind} >= {"bytes", "path"}
    return is_struct or (isinstance(features.get(column), dict) and features[column].get("_type") == "Image")


def _image_columns(features: Mapping[str, Any]) -> list[str]:
    return [name for name, kind in features.items() if isinstance(kind, dict) and kind.get("_type") == "Image"]


def _class_names(features: Mapping[str, Any], column: str) -> tuple[str, ...]:
    feature = features.get(column)
    names = feature.get("names") if isinstance(feature, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _guess(table: pd.DataFrame, images: list[str]) -> dict[str, str]:
    if not images:
        return guess_text_columns(table)
    guessed = {role: name for role, name in guess_columns(table).items() if role != "path"}
    return {"path": images[0]} | guessed | ({"split": FROM_FILE} if FROM_FILE in table else {})


@lru_cache(2)
def _images_of(path: Path, column: str) -> pa.ChunkedArray:
    """Return the column of images; of an Arrow file it stays on disk until a row is read."""
    try:
        table = arrow_table(path, [column])
    except (ValueError, OSError) as error:
        raise InputError(f"The shard {path} cannot be read ({error}).") from None
    if column not in table.column_names:
        raise InputError(f'The shard {path} has no column "{column}"; it has {table.column_names}.')
    return table[column]
