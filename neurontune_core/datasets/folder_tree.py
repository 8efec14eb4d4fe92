"""Splits and classes of a tree of folders: what each level means, and what else it could mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from neurontune_core.datasets.base import is_split, split_name
from neurontune_core.datasets.files_below import Passed, direct_images, has_images, image_files, subfolders
from neurontune_core.datasets.spellings import spelled
from neurontune_core.errors import InputError, listing
from neurontune_core.remarks import Remark

_WORD = re.compile(r"[-_. ]+")
_PART = re.compile(r"(.*[-_ ])?(part|chunk|batch|shard|volume|vol|folder)[-_ ]?\d+|\d+-of-\d+", re.IGNORECASE)
_NO_CLASS = frozenset(
    ("image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "data", "jpegimages")
)
_MAX_LEVELS = 4  # lone folders that are entered


class Place(NamedTuple):
    """A folder with the images of one class in one split ("" without splits)."""

    split: str
    label: str
    folder: Path


@dataclass(frozen=True)
class Tree:
    """The reading of a folder.

    Attributes:
        places: one for each split and class.
        remarks: what was entered, left out, or could be read otherwise.
    """

    places: tuple[Place, ...]
    remarks: tuple[Remark, ...]


def read_tree(root: Path, class_names: Sequence[str] = ()) -> Tree:
    """Read a tree of folders as splits and classes.

    Folders called train, val and test are splits wherever they stand (also ``seg_train``), and what stands beside them
    is left out; a folder that holds everything is entered; ``class/split`` is read as ``split/class``.

    Args:
        root: the folder.
        class_names: the classes that a person names, which tell between two levels of folders.

    Raises:
        InputError: when there are no folders, or several datasets.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("train/cat", "train/dog", "val/cat", "masks"):
    ...         Path(folder, name).mkdir(parents=True)
    ...     [(place.split, place.label) for place in read_tree(Path(folder)).places]
    [('train', 'cat'), ('train', 'dog'), ('val', 'cat')]
    """
    remarks: list[Remark] = []
    passed = Passed()
    folder, splits = _enter(root, remarks, passed)
    if splits:
        kept = {path for _, path in splits}
        beside = [path for path in subfolders(folder) if path not in kept]
        full = [f"{path.name} ({len(image_files(path)):,} images)" for path in beside if has_images(path)]
        if full:
            remarks.append(Remark(f"Left out, as they stand beside the splits: {listing(full, 5)}.", "warning"))
        bases = [(split, _lone(path, remarks)) for split, path in splits]
        for split, path in bases:
            if loose := direct_images(path):
                sentence = (
                    f"{loose:,} images lie in {_seen(path, root)} itself, in no folder of a class, and are left out"
                )
                remarks.append(Remark(f"{sentence} of {split}.", "warning", "Put them into folders by class."))
    else:
        bases = [("", folder)]
    places = _classes(bases, class_names, remarks, passed) if splits else _without_splits(folder, class_names, remarks)
    return Tree(tuple(places), (*remarks, *passed.remarks()))


def _enter(root: Path, remarks: list[Remark], passed: Passed) -> tuple[Path, list[tuple[str, Path]]]:
    """Return the folder that holds splits or classes, below lone folders, and its splits."""
    folder = root
    for _ in range(_MAX_LEVELS):
        top = subfolders(folder, passed)
        if not top:
            raise InputError(f"{folder} has no folders; expected a folder of images per class, or per split and class.")
        if _splits(top, folder):
            break
        full = [path for path in top if has_images(path)] or top  # a folder without images is none of the two
        inside = subfolders(full[0]) if len(full) == 1 else []
        if not inside or direct_images(folder) or direct_images(full[0]):
            return folder, []
        folder = full[0]
    if folder != root:
        remarks.append(Remark(f"The folder {_seen(folder, root)} is read, as it holds everything."))
    return folder, _splits(subfolders(folder), folder)


def _splits(top: Sequence[Path], root: Path) -> list[tuple[str, Path]]:
    """Return the split folders among folders, by their names or a word in them (``seg_train``); empty without."""
    exact = [(split_name(path.name), path) for path in top if is_split(path.name)]
    if len(exact) == len(top) or len({split for split, _ in exact}) > 1:
        names = [split for split, _ in exact]
        if repeated := next((split for split in names if names.count(split) > 1), None):
            same = [path.name for split, path in exact if split == repeated]
            raise InputError(f'The folders {same} of {root} all mean the split "{repeated}"; keep one of them.')
        return exact
    families: dict[str, list[tuple[str, Path]]] = {}
    for path in top:
        words = _WORD.split(path.name)
        if len(splits := [word for word in words if is_split(word)]) == 1:
            rest = " ".join(word for word in words if not is_split(word))
            families.setdefault(rest, []).append((split_name(splits[0]), path))
    largest = max(families.values(), key=len, default=[])
    names = [split for split, _ in largest]
    return largest if "train" in names and len(set(names)) == len(names) > 1 else []


def _lone(folder: Path, remarks: list[Remark]) -> Path:
    """Return the folder that holds a split: itself, or the one folder in it (``seg_train/seg_train``)."""
    inside = subfolders(folder)
    below = subfolders(inside[0]) if len(inside) == 1 else []
    if len(below) < 2 or direct_images(folder) or direct_images(inside[0]) or not any(map(has_images, below)):
        return folder
    remarks.append(Remark(f"The folder {folder.name}/{inside[0].name} is read, as it holds the whole split."))
    return inside[0]


def _without_splits(folder: Path, class_names: Sequence[str], remarks: list[Remark]) -> list[Place]:
    top = [path for path in subfolders(folder) if has_images(path)] or subfolders(folder)
    inner = {path: subfolders(path) for path in top}
    if all(inner.values()) and all(is_split(below.name) for folders in inner.values() for below in folders):
        if not any(subfolders(below) for folders in inner.values() for below in folders):
            remarks.append(Remark("The folders are read as class/split: each class holds folders of the splits."))
            return sorted(
                Place(split_name(below.name), path.name, below) for path, folders in inner.items() for below in folders
            )
        if len(top) > 1:
            names = listing([path.name for path in top], 6)
            raise InputError(f"{folder} holds several datasets with splits of their own ({names}); give one of them.")
    return _classes([("", folder)], class_names, remarks, Passed())


def _classes(
    bases: Sequence[tuple[str, Path]], class_names: Sequence[str], remarks: list[Remark], passed: Passed
) -> list[Place]:
    """Read the folders of each base as classes, or, where they all hold the same folders, those below them."""
    first = [Place(split, path.name, path) for split, base in bases for path in subfolders(base, passed)]
    second = [
        Place(place.split, path.name, path)
        for place in first
        if not direct_images(place.folder)
        for path in subfolders(place.folder)
        if has_images(path)
    ]
    above, below = ({spelled(place.label) for place in places} for places in (first, second))
    parents = [place for place in first if has_images(place.folder)]
    if not second or len({place.folder.parent for place in second}) < len(parents):
        return first  # images lie directly in some of the folders
    by_parent = [{spelled(path.name) for path in subfolders(place.folder)} for place in parents]
    repeated = len(by_parent) > 1 and len(below) > 1 and all(names == by_parent[0] for names in by_parent)
    asked = {spelled(name) for name in class_names}
    deeper = below <= asked if asked else repeated or len(above) == 1
    chosen, other = (second, first) if deeper else (first, second)
    read, names = (list(dict.fromkeys(place.label for place in places)) for places in (chosen, other))
    if len(below) > 1 and not asked:
        remarks.append(
            Remark(
                "There are two levels of folders; the classes are taken to be those of the "
                f"{'second' if deeper else 'first'} ({listing(read, 4)}), not {listing(names, 4)}.",
                "warning" if len(names) > 1 else "note",
                "Name the classes to choose the other level." if len(names) > 1 else "",
                f"--classes {','.join(names[:40])}" if len(names) > 1 else "",
                "labels",
            )
        )
    return chosen


def refuse_no_classes(root: Path, names: Sequence[str], images: int, beside: str) -> None:
    """Refuse folders that are no classes: one alone, or the parts of one collection.

    Raises:
        InputError: when they are.

    >>> refuse_no_classes(Path("birds"), ["land", "water"], 12, "")
    """
    plain = [name.lower() for name in names]
    if len(plain) == 1:
        what = f"All {images:,} images of {root} are in one folder ({names[0]}), which makes one class"
    elif all(_PART.fullmatch(name) or name in _NO_CLASS for name in plain):
        what = f"The folders of {root} ({listing(names, 4)}) are parts of one collection, not classes"
    else:
        return
    raise InputError(f"{what}{beside}; give a folder with one folder a class, or a table that names the labels.")


def _seen(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix()
