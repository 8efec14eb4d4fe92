"""What lies in a folder or a file: a published dataset by its own files, else tables, else folders by class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import SPLITS, DatasetGuess
from neurontune_core.datasets.celeba import guess_celeba
from neurontune_core.datasets.civilcomments import guess_civilcomments
from neurontune_core.datasets.columns import NO_CORRECTIONS, Corrections
from neurontune_core.datasets.files_below import image_files, is_regular, subfolders
from neurontune_core.datasets.folder_tree import read_tree, refuse_no_classes
from neurontune_core.datasets.image_folder_metadata import guess_imagefolder
from neurontune_core.datasets.image_table import ROLES as IMAGE_ROLES
from neurontune_core.datasets.image_table import guess_table
from neurontune_core.datasets.imagenet9 import guess_imagenet9
from neurontune_core.datasets.imagenet_a import guess_imagenet_a
from neurontune_core.datasets.multinli import guess_multinli
from neurontune_core.datasets.shards import guess_shards
from neurontune_core.datasets.spellings import spelled
from neurontune_core.datasets.tables import TABLE_ENDINGS, column_names
from neurontune_core.datasets.text_table import ROLES as TEXT_ROLES
from neurontune_core.datasets.text_table import guess_texts, tables_by_split
from neurontune_core.datasets.waterbirds import guess_waterbirds
from neurontune_core.errors import InputError, listing
from neurontune_core.remarks import Remark, note_in

_PUBLISHED = (
    *(guess_waterbirds, guess_celeba, guess_imagenet9, guess_imagenet_a),
    *(guess_multinli, guess_civilcomments),
)
ROLES = frozenset((*IMAGE_ROLES, *TEXT_ROLES))
_OTHER_TABLES = (".xlsx", ".xls", ".ods", ".json", ".feather", ".dta", ".sav", ".mat", ".pkl", ".sqlite", ".db")
_VECTORS = (".npz", ".npy", ".safetensors", ".h5", ".hdf5")


def guess_dataset(path: str | Path, columns: Corrections = NO_CORRECTIONS) -> DatasetGuess:
    r"""Recognize the dataset in a folder or in one table.

    Args:
        path: the folder or the table.
        columns: role -> column as the user names them (None for a role that no column has); the rest is guessed.

    Returns:
        The spec, with the guessed columns in ``columns`` for the user to correct, and one sentence.

    Raises:
        InputError: when there is nothing, or no known layout.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "reviews.csv").write_text("text,label\na good one,good\na bad one,bad\n")
    ...     guess = guess_dataset(folder)
    >>> guess.spec["format"], guess.spec["columns"]
    ('text_table', {'text': 'text', 'label': 'label'})
    """
    root = Path(path).expanduser().resolve()
    unknown = set(columns) - ROLES
    if unknown:
        raise InputError(f'There is no column for the "{min(unknown)}"; name one for {", ".join(sorted(ROLES))}.')
    guess = _guess(root, columns)
    named = {role: column for role, column in columns.items() if column}
    if named and "columns" not in guess.spec:
        available = table_columns(root)
        where = f"the columns of its table are {', '.join(available)}" if available else "it has no table"
        raise InputError(f"{root} has no table with the columns {', '.join(named.values())}; {where}.")
    if "columns" in guess.spec:
        guess.spec["columns"] |= columns
    return guess


def table_columns(path: str | Path) -> list[str]:
    r"""Return the columns of a table, or of the table that a folder's dataset would be read from; empty without one.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "metadata.csv").write_text("img_filename,y\n1.jpg,0\n")
    ...     table_columns(folder)
    ['img_filename', 'y']
    """
    root = Path(path).expanduser().resolve()
    tables = [root] if root.is_file() else _tables(root) if root.is_dir() else []
    for table in tables:
        if columns := column_names(table):
            return columns
    return []


def _guess(root: Path, corrections: Corrections) -> DatasetGuess:
    if root.is_file():
        return _guess_file(root, corrections)
    if not root.is_dir():
        raise InputError(f"There is no folder {root}; give the folder of the dataset.")
    if guess := _guess_published(root):
        return guess
    below = [guess for folder in subfolders(root) if (guess := _guess_published(folder))]
    if len(below) > 1:
        roots = ", ".join(guess.spec["root"] for guess in below)
        raise InputError(f"{root} holds several datasets ({roots}); give one of them.")
    if below:
        return below[0]
    if (
        guess := guess_shards(root, corrections=corrections)
        or guess_imagefolder(root, corrections)
        or _guess_tables(root, corrections)
    ):
        return guess
    return _guess_folders(root)


def _guess_published(root: Path) -> DatasetGuess | None:
    return next((guess for recognize in _PUBLISHED if (guess := recognize(root))), None)


def _guess_file(file: Path, corrections: Corrections) -> DatasetGuess:
    if file.suffix.lower() in _VECTORS:
        raise InputError(f"{file} holds ready-made embeddings rather than samples; import it instead.")
    published = _guess_published(file.parent)
    if published and published.spec.get("table") == file.name:
        return published
    in_shard = (
        guess_shards(file.parent, file.name, corrections) if file.suffix.lower() in (".parquet", ".arrow") else None
    )
    guess = (
        in_shard or guess_table(file.parent, file.name, corrections) or guess_texts(file.parent, file.name, corrections)
    )
    if guess is None:
        raise InputError(
            f"No columns of {file} look like an image's path or a text with a label; name them (--column path=NAME "
            f"--column label=NAME), its columns are {', '.join(column_names(file)) or 'not known'}."
        )
    return guess


def _tables(root: Path) -> list[Path]:
    """List the tables of a folder, or of the folders in it where it has none."""
    for places in ([root], subfolders(root)):
        tables = sorted(
            (file for place in places for file in place.iterdir() if _is_table(file)),
            key=lambda file: (not file.stem.startswith("metadata"), file.relative_to(root).as_posix()),
        )
        if tables:
            return tables
    return []


def _is_table(file: Path) -> bool:
    return file.suffix.lower() in TABLE_ENDINGS and not file.name.startswith(".") and is_regular(file)


def _guess_tables(root: Path, corrections: Corrections) -> DatasetGuess | None:
    tables = [table.relative_to(root).as_posix() for table in _tables(root)]
    for table in tables:
        if guess := guess_table(root, table, corrections):
            return guess
    family = tables_by_split(tables)
    if len(family) > 1 and (guess := guess_texts(root, family, corrections)):
        return guess
    return next((guess for table in tables if (guess := guess_texts(root, table))), None)


def _guess_folders(root: Path) -> DatasetGuess:
    tables, unread = _tables(root), _unread_tables(root)
    named = [file.relative_to(root).as_posix() for file in (*tables, *unread)]
    read = f", and {listing(named, 3)} is no table with a path or a text and a label" if named else ""
    try:
        tree = read_tree(root)
    except InputError as error:
        raise InputError(f"{str(error).rstrip('.')}{read}.") from None
    places = [(split, label, len(image_files(folder))) for split, label, folder in tree.places]
    places = [place for place in places if place[2]]
    if not places:
        raise InputError(f"The folders of {root} hold no images{read}.")
    classes = sorted({spelled(label): label for _, label, _ in places}.values())
    counts = {split: sum(count for place, _, count in places if place == split) for split in (*SPLITS, "")}
    total = sum(counts.values())
    refuse_no_classes(root, classes, total, read)
    shown = ", ".join(classes[:4]) + (", ..." if len(classes) > 4 else "")
    splits = ", ".join(f"{count:,} {split}" for split, count in counts.items() if count and split)
    by_split = f" in splits by folder ({splits})" if splits else ", without splits"
    description = f"{total:,} images of {len(classes)} classes by folder ({shown}){by_split}; groups are not known."
    spec: dict[str, Any] = {"format": "image_folder", "root": str(root)}
    note_in(spec, [*map(_not_used, tables), *map(_not_read, unread)])
    return DatasetGuess(spec, description)


def _unread_tables(root: Path) -> list[Path]:
    """List the files of a folder that may be tables of kinds that are not read."""
    return sorted(file for file in root.iterdir() if file.suffix.lower() in _OTHER_TABLES and is_regular(file))


def _not_used(table: Path) -> Remark:
    columns = listing(column_names(table), 8) or "not known"
    return Remark(
        f"{table.name} lies beside the images and is not used: no columns of it look like an image's path and a label "
        f"(its columns are {columns}).",
        "warning",
        "Name its columns, if it labels these images.",
        "--column path=NAME --column label=NAME",
    )


def _not_read(table: Path) -> Remark:
    return Remark(
        f"{table.name} lies beside the images and is not used: tables are read as {', '.join(TABLE_ENDINGS)}.",
        "warning",
        "Save it as .csv, if it labels these images.",
    )
