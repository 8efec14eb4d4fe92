"""Images listed in a table, one row each: the Waterbirds, SubpopBench and WILDS way."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import Dataset, DatasetGuess, check_relative, inside
from neurontune_core.datasets.columns import (
    NO_CORRECTIONS,
    Corrections,
    check_paths,
    chosen_columns,
    corrected,
    guess_columns,
    split_remarks,
    texts,
)
from neurontune_core.datasets.labels import label_samples, strange_splits
from neurontune_core.datasets.tables import guess_encoding, read_table
from neurontune_core.remarks import note_in

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("path", "label", "split", "attribute", "pair")


def open_table(spec: dict[str, Any], root: Path) -> Dataset:
    """Read the table of an image dataset and check its columns; the images are opened later.

    Args:
        spec: ``table`` (default ``metadata.csv``), ``columns`` (``path``, ``label``, ``split``, ``attribute`` and
            ``pair``, the same text for two samples that differ in the attribute alone; missing ones are guessed, None
            means that there is none), ``images`` (the folder under root that the paths start from; found by default),
            ``class_names``, ``attribute_names``, ``splits`` (what the table's own split names mean, such as
            ``{"id_val": "val"}``; None leaves the rows out), ``encoding``.
        root: the folder of the dataset.

    Raises:
        InputError: when a column, a label, a split or all the files are not as the spec says.
    """
    table = read_table(inside(root, spec.get("table", "metadata.csv")), encoding=spec.get("encoding", "utf-8"))
    return from_table(spec, root, table, guess_columns(table))


def from_table(spec: dict[str, Any], root: Path, table: pd.DataFrame, guessed: dict[str, str]) -> Dataset:
    """Make a dataset of the images that the rows of a table name.

    Args:
        spec, root: as for `open_table`.
        table: the rows.
        guessed: role -> column, for the roles that the spec does not name.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"file": ["1.jpg", "2.jpg"], "y": ["cat", "dog"]})
    >>> dataset = from_table({"images": "photos"}, Path("."), table, {"path": "file", "label": "y"})
    >>> dataset.samples["source"].tolist(), dataset.class_names
    (['photos/1.jpg', 'photos/2.jpg'], ('cat', 'dog'))
    """
    import pandas as pd

    columns = chosen_columns(table, guessed, spec, ROLES, required=("path", "label"))
    paths = texts(table, columns["path"])
    check_paths(paths)
    images = spec.get("images")
    folder = (find_images(root, str(paths.iat[0])) if images is None else images).strip("/")
    sources = paths.str.replace("\\", "/", regex=False)
    if folder:
        check_relative(folder)
        sources = f"{folder}/" + sources
    ids = sources if sources.is_unique else pd.Series(range(len(sources))).astype("str")
    samples = pd.DataFrame({"id": ids.astype(object), "source": sources.astype(object)})
    labeled = label_samples(samples, table, columns, spec)
    return Dataset(root, labeled.samples, labeled.class_names, labeled.group_names, remarks=labeled.remarks)


def guess_table(root: Path, file: str, corrections: Corrections = NO_CORRECTIONS) -> DatasetGuess | None:
    """Recognize a table that lists images; None when its columns are not those of such a list."""
    spec: dict[str, Any] = {"format": "image_table", "root": str(root), "table": file}
    encoding = add_encoding(spec, root / file)
    table = read_table(root / file, encoding=spec.get("encoding", "utf-8"))
    columns = corrected(guess_columns(table), corrections, table, ROLES)
    if columns is None or not columns.get("path") or not columns.get("label"):
        return None
    spec["columns"] = columns
    images = find_images(root, str(texts(table, columns["path"]).iat[0]))
    if images:
        spec["images"] = images
    if "split" not in corrections:
        note_in(spec, split_remarks(table, columns))
    left_out = add_strange_splits(spec, table)
    lacking = without(columns, ("split", "attribute"))
    return DatasetGuess(
        spec, f"{file} lists {len(table):,} images: {understood(columns)}{lacking}{left_out}{encoding}."
    )


def understood(columns: Corrections) -> str:
    return ", ".join(f'{role} from "{column}"' for role, column in columns.items() if column)


def without(columns: Corrections, roles: tuple[str, ...]) -> str:
    missing = [role for role in roles if not columns.get(role)]
    return f"; no column looks like the {' or the '.join(missing)}" if missing else ""


def add_encoding(spec: dict[str, Any], file: Path) -> str:
    """Record the encoding of a text table in the spec where it is not UTF-8, and return a remark; "" otherwise."""
    if file.suffix.lower() in (".parquet", ".arrow") or guess_encoding(file) == "utf-8":
        return ""
    spec["encoding"] = guess_encoding(file)
    return f"; it is not UTF-8 and is read as {spec['encoding']}"


def add_strange_splits(spec: dict[str, Any], table: pd.DataFrame) -> str:
    """Record unknown split names in the spec as left out, and return a remark; "" where there are none.

    >>> import pandas as pd
    >>> spec = {"columns": {"split": "fold"}}
    >>> _ = add_strange_splits(spec, pd.DataFrame({"fold": ["train", "ood"]}))
    >>> spec["splits"]
    {'ood': None}
    """
    column = spec["columns"].get("split")
    strange = strange_splits(texts(table, column)) if column else {}
    if not strange:
        return ""
    spec["splits"] = strange
    named = ", ".join(name or "(blank)" for name in strange)
    return f"; rows of the splits {named} are left out until splits says what they mean"


def find_images(root: Path, first: str) -> str:
    """Find the folder, at most two levels under ``root``, that the first path starts from; "" where it is root itself.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, "images").mkdir()
    ...     Path(folder, "images", "1.jpg").touch()
    ...     find_images(Path(folder), "1.jpg")
    'images'
    """
    check_relative(first)
    if (root / first).is_file():
        return ""
    folders = _folders(root)
    deeper = (f"{folder}/{name}" for folder in folders for name in _folders(root / folder))
    return next((folder for folder in chain(folders, deeper) if (root / folder / first).is_file()), "")


def _folders(root: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
