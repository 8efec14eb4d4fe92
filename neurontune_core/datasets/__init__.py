"""Datasets by spec: ``{"format": "image_table", "root": ...}``; one file per layout, one interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import Dataset, DatasetGuess
from neurontune_core.datasets.celeba import open_celeba
from neurontune_core.datasets.civilcomments import open_civilcomments
from neurontune_core.datasets.guess import guess_dataset, table_columns
from neurontune_core.datasets.hold_out import held_out, kept_back
from neurontune_core.datasets.image_folder import open_folder
from neurontune_core.datasets.image_folder_metadata import open_imagefolder
from neurontune_core.datasets.image_table import open_table
from neurontune_core.datasets.imagenet9 import open_imagenet9
from neurontune_core.datasets.imagenet_a import open_imagenet_a
from neurontune_core.datasets.multinli import open_multinli
from neurontune_core.datasets.pictures import EXIF
from neurontune_core.datasets.shards import open_shards
from neurontune_core.datasets.text_table import open_texts
from neurontune_core.datasets.waterbirds import open_waterbirds
from neurontune_core.errors import InputError
from neurontune_core.remarks import remarks_of

FORMATS: dict[str, Callable[[dict[str, Any], Path], Dataset]] = {
    "image_folder": open_folder,
    "image_table": open_table,
    "imagefolder": open_imagefolder,
    "text_table": open_texts,
    "shards": open_shards,
    "waterbirds": open_waterbirds,
    "celeba": open_celeba,
    "imagenet9": open_imagenet9,
    "imagenet_a": open_imagenet_a,
    "multinli": open_multinli,
    "civilcomments": open_civilcomments,
}


def open_dataset(spec: dict[str, Any], base: str | Path, *, look_for_files: bool = True) -> Dataset:
    r"""Open the dataset that ``spec`` names.

    Args:
        spec: ``format`` (a key of `FORMATS`), ``root`` (relative to ``base``, default ``"."``), what the format's own
            file documents, and optionally ``hold_out`` and ``keep_back`` (``share``, ``seed``: see `held_out` and
            `kept_back`), ``exif`` (as `Dataset` has it) and ``remarks`` (what `guess_dataset` noted).
        base: the folder that a relative root starts from.
        look_for_files: False opens a table whose images are all missing, too.

    Raises:
        InputError: when the format is unknown, the folder is missing, or its content is not what the spec says.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "reviews.csv").write_text("text,label\na good one,good\na bad one,bad\n")
    ...     dataset = open_dataset({"format": "text_table", "table": "reviews.csv"}, folder)
    >>> dataset.class_names, dataset.open_text(0)
    (('bad', 'good'), 'a good one')
    """
    kind = spec.get("format")
    if kind not in FORMATS:
        raise InputError(f'The dataset format "{kind}" is not known; use one of {", ".join(FORMATS)}.')
    root = Path(base) / spec.get("root", ".")
    if not root.is_dir():
        raise InputError(f"There is no folder {root}; give the folder of the dataset.")
    dataset = FORMATS[kind](spec, root)
    exif = spec.get("exif", "rotate")
    if exif not in EXIF:
        raise InputError(f'exif has the value "{exif}"; use one of {", ".join(EXIF)}.')
    dataset = replace(dataset, exif=exif)
    if noted := remarks_of(spec):
        dataset = replace(dataset, remarks=(*noted, *dataset.remarks))
    if "hold_out" in spec:
        dataset = held_out(dataset, spec["hold_out"])
    if "keep_back" in spec:
        dataset = kept_back(dataset, spec["keep_back"])
    if look_for_files:
        dataset.look_for_files()
    return dataset


__all__ = ["FORMATS", "Dataset", "DatasetGuess", "guess_dataset", "open_dataset", "table_columns"]
