"""Images listed in a table, one row each: the Waterbirds, SubpopBench and WILDS way."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import Dataset, DatasetGuess, inside
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
from neurontune_core.datasets.image_places import find_places, sources_of
from neurontune_core.datasets.labels import label_samples, strange_splits
from neurontune_core.datasets.tables import read_table
from neurontune_core.datasets.text_files import guess_encoding, separator
from neurontune_core.remarks import Remark, note_in

if TYPE_CHECKING:
    import pandas as pd

_SIGNS = {";": "semicolons", "\t": "tabs", "|": "bars"}
ROLES = ("path", "label", "split", "attribute", "pair", "unit")


def open_table(spec: dict[str, Any], root: Path) -> Dataset:
    """Read the table of an image dataset and check its columns; the images are opened later.

    Args:
        spec: ``table`` (default ``metadata.csv``), ``columns`` (``path``, ``label``, ``split``, ``attribute``,
            ``pair``, the same text for two samples that differ in the attribute alone, and ``unit``, the same text for
            samples that belong together; missing ones are guessed, None means that there is none), ``images`` (the
            folder under root that the paths start from; found by default), ``class_names``, ``attribute_names``,
            ``splits`` (what the table's own split names mean, such as ``{"id_val": "val"}``; None leaves the rows out),
            ``encoding``.
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
    paths = from_root(root, texts(table, columns["path"]), spec)
    check_paths(paths)
    sources, place_remarks = sources_of(root, paths.str.replace("\\", "/", regex=False), spec)
    ids = sources if sources.is_unique else pd.Series(range(len(sources))).astype("str")
    samples = pd.DataFrame({"id": ids.astype(object), "source": sources.astype(object)})
    labeled = label_samples(samples, table, columns, spec)
    remarks = (*place_remarks, *labeled.remarks, *_repeated(labeled.samples))
    return Dataset(root, labeled.samples, labeled.class_names, labeled.group_names, remarks=remarks)


def from_root(root: Path, paths: pd.Series, spec: dict[str, Any]) -> pd.Series:
    """Return paths as seen from the dataset's folder, where they are absolute or start from the table's own folder.

    >>> import pandas as pd
    >>> from_root(Path("/birds"), pd.Series(["/birds/1.jpg"]), {}).tolist()
    ['1.jpg']
    >>> from_root(Path("/birds"), pd.Series(["../images/1.jpg"]), {"table": "meta/list.csv"}).tolist()
    ['images/1.jpg']
    """
    own = f"{root.as_posix().rstrip('/')}/"
    if paths.str.startswith(own).any():
        paths = paths.str.removeprefix(own)
    place = posixpath.dirname(str(spec.get("table", "")))
    if place and paths.str.startswith("../").any():
        paths = paths.map(lambda path: posixpath.normpath(f"{place}/{path}") if path.startswith("../") else path)
    return paths


def _repeated(samples: pd.DataFrame) -> tuple[Remark, ...]:
    """Count the images that several rows name in different splits, or with different labels."""
    again = samples[samples["source"].duplicated(keep=False)]
    if again.empty:
        return ()
    by_file = again.groupby("source").agg({"split": "nunique", "label": "nunique"})
    splits, labels = int((by_file["split"] > 1).sum()), int((by_file["label"] > 1).sum())
    if not splits and not labels:
        return (Remark(f"{len(by_file):,} images are listed more than once."),)
    which = by_file.index[((by_file["split"] > 1) | (by_file["label"] > 1)).to_numpy()][0]
    return (
        Remark(
            f"{splits:,} images are in several splits and {labels:,} have several labels, such as {which}.",
            "warning",
            "List each image once, or what is measured is not new to the model.",
        ),
    )


def guess_table(root: Path, file: str, corrections: Corrections = NO_CORRECTIONS) -> DatasetGuess | None:
    """Recognize a table that lists images; None when its columns are not those of such a list."""
    spec: dict[str, Any] = {"format": "image_table", "root": str(root), "table": file}
    encoding = add_encoding(spec, root / file)
    table = read_table(root / file, encoding=spec.get("encoding", "utf-8"))
    guessed = guess_columns(table)
    if "path" not in guessed and "path" not in corrections and (named := _names_of_files(root, table)):
        guessed["path"] = named
    columns = corrected(guessed, corrections, table, ROLES)
    if columns is None or not columns.get("path") or not columns.get("label"):
        return None
    spec["columns"] = columns
    places = find_places(root, from_root(root, texts(table, columns["path"]), spec).tolist())
    spec |= places.to_spec()
    note_in(spec, places.remarks)
    if "split" not in corrections:
        note_in(spec, split_remarks(table, columns))
    left_out = add_strange_splits(spec, table)
    lacking = without(columns, ("split", "attribute"))
    return DatasetGuess(
        spec, f"{file} lists {len(table):,} images: {understood(columns)}{lacking}{left_out}{encoding}."
    )


def _names_of_files(root: Path, table: pd.DataFrame) -> str | None:
    """Return the column whose values are names of images without their endings, such as ``ISIC_0024306``."""
    for column in table.columns:
        values = texts(table, column)
        if values.is_unique and (places := find_places(root, values.tolist())).loose and places.folders:
            return str(column)
    return None


def understood(columns: Corrections) -> str:
    return ", ".join(f'{role} from "{column}"' for role, column in columns.items() if column)


def without(columns: Corrections, roles: tuple[str, ...]) -> str:
    missing = [role for role in roles if not columns.get(role)]
    return f"; no column looks like the {' or the '.join(missing)}" if missing else ""


def add_encoding(spec: dict[str, Any], file: Path) -> str:
    """Record the encoding of a text table in the spec where it is not UTF-8, and return a remark on it and on what
    separates the columns; "" where both are usual.
    """
    ending = file.suffix.lower()
    if ending in (".parquet", ".arrow"):
        return ""
    sign = separator(file) if ending == ".csv" else ","
    remark = "" if sign == "," else f"; its columns are separated by {_SIGNS[sign]}"
    if (encoding := guess_encoding(file)) == "utf-8":
        return remark
    spec["encoding"] = encoding
    return f"{remark}; it is not UTF-8 and is read as {encoding}"


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
