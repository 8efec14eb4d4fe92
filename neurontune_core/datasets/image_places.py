"""Where the images of a table lie: in which folders, under which endings, and what else has files of the same names."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import IMAGE_ENDINGS, check_relative
from neurontune_core.datasets.files_below import subfolders
from neurontune_core.errors import listing
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd

_TRIED = 40  # rows of a table that are looked for
_USUAL = ("images", "image", "imgs", "img", "photos", "pictures", "data", "jpegimages")
_MOST = 0.5  # of the tried rows that a folder must have
_MAX_FOLDERS = 400  # that are searched


@dataclass(frozen=True)
class Places:
    """The folders, relative to the root, that the paths of a table start from.

    Attributes:
        folders: one, or several that each have a part of the images; "" is the root.
        loose: whether file names differ from the table's in their case, ending or leading folders.
        remarks: what was chosen, and what else has such files.
    """

    folders: tuple[str, ...] = ("",)
    loose: bool = False
    remarks: tuple[Remark, ...] = ()

    def to_spec(self) -> dict[str, Any]:
        """Return the keys of a dataset's spec that say this; none for the root alone."""
        folders: Any = list(self.folders) if len(self.folders) > 1 else self.folders[0]
        return ({"images": folders} if folders else {}) | ({"loose_names": True} if self.loose else {})


def find_places(root: Path, paths: Sequence[str]) -> Places:
    """Find where images lie, by looking for some of them in the folders at most two levels under ``root``.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("images/1.jpg", "images/2.jpg"):
    ...         Path(folder, name).parent.mkdir(exist_ok=True)
    ...         Path(folder, name).touch()
    ...     find_places(Path(folder), ["1.jpg", "2.jpg"]).folders, find_places(Path(folder), ["1", "2"]).loose
    (('images',), True)
    """
    step = max(1, len(paths) // _TRIED)
    tried = [path for path in paths[::step] if path and "\0" not in path and not path.startswith(("/", "\\"))]
    if not tried:
        return Places()
    hits = {"": _there(root, "", tried)}
    if len(hits[""]) == len(tried):
        return Places()
    folders = list(_folders(root))
    hits |= {folder: _there(root, folder, tried) for folder in folders}
    exact = _chosen(root, hits, len(tried))
    if exact is not None:
        return exact
    loose = {folder: _there(root, folder, tried, loose=True) for folder in ["", *folders]}
    return _chosen(root, loose, len(tried), loose=True) or Places()


def sources_of(root: Path, paths: pd.Series, spec: dict[str, Any]) -> tuple[pd.Series, tuple[Remark, ...]]:
    """Return the path of each image relative to ``root``, as the spec's ``images`` and ``loose_names`` say.

    Without ``images`` they are searched for. Names that are not there are kept as they are, for whoever opens them to
    report.

    Args:
        root: the folder of the dataset.
        paths: [N] as the table has them, with ``/``.
        spec: of the dataset.
    """
    named = spec.get("images")
    if named is None:
        places = find_places(root, paths.tolist())
    else:
        folders = tuple(str(folder).strip("/") for folder in ([named] if isinstance(named, str) else named))
        for folder in filter(None, folders):
            check_relative(folder)
        places = Places(folders or ("",), bool(spec.get("loose_names")))
    if len(places.folders) == 1 and not places.loose:
        folder = places.folders[0]
        return (f"{folder}/" + paths if folder else paths), places.remarks
    names: dict[str, str] = {}
    for folder in reversed(places.folders):
        for name in _names(root / folder):
            names[_key(name) if places.loose else name] = f"{folder}/{name}" if folder else name
    resolved = [names.get(_key(path) if places.loose else path) or path for path in paths.tolist()]
    return type(paths)(resolved, index=paths.index, dtype=object), places.remarks


def _chosen(root: Path, hits: dict[str, set[str]], total: int, *, loose: bool = False) -> Places | None:
    """Choose the folder with most of the images, or the few that have them together; None without."""
    most = max(len(names) for names in hits.values())
    every = [folder for folder, names in hits.items() if len(names) == most and most]
    how = " under other endings or in another case" if loose else ""
    if most >= total * 0.95 or (every and most > total * _MOST and len(every) == 1 and not _together(hits, most)):
        best = min(every, key=lambda folder: (folder != "", _usual(folder), folder.count("/"), folder))
        others = [folder or "the dataset's folder" for folder in every if folder != best]
        if others:
            doubt = Remark(
                f"{len(others) + 1} folders have files of the table's names; the images of {best or 'the root'} are "
                f"read, not those of {listing(others, 4)}.",
                "warning",
                "Name the folder to read another.",
                f"--images {others[0]}",
            )
            return Places((best,), loose, (doubt,))
        remark = Remark(f"The images are read from the folder {best or root}{how}.")
        return Places((best,), loose, (remark,) if best or loose else ())
    several = _together(hits, most)
    if several:
        remark = Remark(f"The images are read from {len(several)} folders{how}: {listing(several, 4)}.")
        return Places(several, loose, (remark,))
    return None


def _together(hits: dict[str, set[str]], most: int) -> tuple[str, ...]:
    """Return the folders that have more together than one alone; empty where none add anything."""
    chosen: list[str] = []
    names: set[str] = set()
    for folder in sorted(hits, key=lambda folder: (-len(hits[folder]), folder)):
        if hits[folder] - names:
            chosen.append(folder)
            names |= hits[folder]
    return tuple(sorted(chosen)) if len(names) > most and len(chosen) > 1 else ()


def _there(root: Path, folder: str, paths: Sequence[str], *, loose: bool = False) -> set[str]:
    if not loose:
        return {path for path in paths if os.path.isfile(os.path.join(root, folder, path))}
    names = {_key(name) for name in _names(root / folder)}
    return {path for path in paths if _key(path) in names}


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [
            entry.name
            for entry in entries
            if os.path.splitext(entry.name)[1].lower() in IMAGE_ENDINGS and not entry.name.startswith(".")
        ]


def _key(path: str) -> str:
    """Return what a table's path and a file share that differ in case, ending or leading folders."""
    stem, ending = posixpath.splitext(posixpath.basename(path.strip()))
    return (stem if ending.lower() in IMAGE_ENDINGS else stem + ending).casefold()


def _usual(folder: str) -> int:
    name = posixpath.basename(folder).lower()
    return _USUAL.index(name) if name in _USUAL else len(_USUAL)


def _folders(root: Path) -> Iterator[str]:
    first = subfolders(root)[:_MAX_FOLDERS]
    yield from (folder.name for folder in first)
    below = [path for folder in first for path in subfolders(folder)]
    yield from (path.relative_to(root).as_posix() for path in below[:_MAX_FOLDERS])
