"""Images in folders by class: ``root/class/*.jpg`` or ``root/split/class/*.jpg``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import IMAGE_ENDINGS, Dataset, is_split, split_name
from neurontune_core.errors import InputError


def open_folder(spec: dict[str, Any], root: Path) -> Dataset:
    """List the images of a folder with one subfolder per class.

    Args:
        spec: ``class_names`` sets the order of the classes; by default they are sorted by name.
        root: the folder.

    Raises:
        InputError: when there are no class folders, no images, or a class that ``class_names`` does not contain.
    """
    import pandas as pd

    places = class_folders(root)
    names = sorted({folder.name for _, folder in places})
    class_names = _order(names, spec.get("class_names"), root)
    records = [
        {"source": path.relative_to(root).as_posix(), "label": class_names.index(folder.name), "split": split}
        for split, folder in places
        for path in image_files(folder)
    ]
    if not records:
        raise InputError(f"The folders of {root} hold no images ({', '.join(sorted(IMAGE_ENDINGS))}).")
    samples = pd.DataFrame(records)
    samples.insert(0, "id", samples["source"])
    return Dataset(root, samples, class_names)


def class_folders(root: Path) -> list[tuple[str, Path]]:
    """Return (split, folder of one class) in sorted order; split is "" where the first level is the classes.

    Raises:
        InputError: when there are no folders.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("train/cat", "train/dog", "test/cat"):
    ...         Path(folder, name).mkdir(parents=True)
    ...     [(split, path.name) for split, path in class_folders(Path(folder))]
    [('test', 'cat'), ('train', 'cat'), ('train', 'dog')]
    """
    top = subfolders(root)
    if not top:
        raise InputError(f"{root} has no folders; expected a folder of images per class, or per split and class.")
    if not all(is_split(folder.name) for folder in top):
        return [("", folder) for folder in top]
    splits = [split_name(folder.name) for folder in top]
    repeated = next((split for split in splits if splits.count(split) > 1), None)
    if repeated:
        names = [folder.name for folder, split in zip(top, splits, strict=True) if split == repeated]
        raise InputError(f'The folders {names} of {root} all mean the split "{repeated}"; keep one of them.')
    return [(split, folder) for split, parent in zip(splits, top, strict=True) for folder in subfolders(parent)]


def image_files(folder: Path) -> list[Path]:
    """List the images under ``folder`` at any depth, sorted; links to folders are not followed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("b.PNG", "a.jpg", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     [path.name for path in image_files(Path(folder))]
    ['a.jpg', 'b.PNG']
    """
    files = [
        Path(parent) / name
        for parent, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_ENDINGS
    ]
    return sorted(files)


def subfolders(root: Path) -> list[Path]:
    """List the folders directly in ``root``, sorted, without hidden ones.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("dog", "cat", ".git"):
    ...         Path(folder, name).mkdir()
    ...     [path.name for path in subfolders(Path(folder))]
    ['cat', 'dog']
    """
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _order(names: list[str], class_names: Sequence[str] | None, root: Path) -> tuple[str, ...]:
    if not class_names:
        return tuple(names)
    unknown = [name for name in names if name not in class_names]
    if unknown:
        raise InputError(f'The folder "{unknown[0]}" in {root} is not one of the class_names {list(class_names)}.')
    return tuple(map(str, class_names))
