"""What lies below a folder: image files, folders, and what is passed over. Only regular files are ever opened."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from neurontune_core.datasets.base import IMAGE_ENDINGS
from neurontune_core.errors import listing
from neurontune_core.remarks import Remark

# Images of other programs: endings -> what would read them.
OTHER_IMAGES = {
    ".heic": "pillow-heif", ".heif": "pillow-heif", ".jxl": "pillow-jxl-plugin", ".dcm": "pydicom", ".nii": "nibabel",
    ".svg": "a renderer", ".cr2": "rawpy", ".nef": "rawpy", ".dng": "rawpy", ".arw": "rawpy", ".psd": "an editor",
    ".exr": "OpenEXR", ".npy": "numpy", ".mat": "scipy", ".mp4": "a video reader", ".avi": "a video reader",
}  # fmt: skip
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\0\x0cjP")
_MAX_DEPTH = 32  # folders inside folders


@dataclass
class Passed:
    """What a search passed over, by reason.

    Attributes:
        other: image files that are not read, by ending.
        odd: files that are no regular files (pipes, sockets, broken links), or whose names are not text.
        links: folders that are links, which are not followed.
    """

    other: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def remarks(self) -> tuple[Remark, ...]:
        """Return a remark for each kind of thing that was passed over."""
        remarks = []
        if self.other:
            kinds = listing([f"{count:,} {ending}" for ending, count in self.other.most_common()], 5)
            readers = listing(sorted({OTHER_IMAGES[ending] for ending in self.other}), 4)
            sentence = f"{sum(self.other.values()):,} files are passed over, as Pillow does not read them: {kinds}."
            remarks.append(Remark(sentence, "warning", f"Convert them to PNG or JPEG, for example with {readers}."))
        if self.odd:
            sentence = (
                f"{len(set(self.odd)):,} entries are passed over, as they are no regular files with readable names"
            )
            remarks.append(
                Remark(f"{sentence}: {listing(sorted(set(self.odd)), 3)}.", "warning", "Rename or replace them.")
            )
        if self.links:
            names = sorted(set(self.links))
            sentence = f"{len(names):,} folders are links and are not followed: {listing(names, 3)}."
            remarks.append(Remark(sentence, "warning", "Copy their files into the dataset's folder."))
        return tuple(remarks)


def image_files(folder: Path, passed: Passed | None = None) -> list[Path]:
    """List the images under ``folder`` at any depth, sorted; hidden ones and links to folders are left alone.

    A file without an ending is an image where it begins like one.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("b.PNG", "a.jpg", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     [path.name for path in image_files(Path(folder))]
    ['a.jpg', 'b.PNG']
    """
    return sorted(_images(folder, Passed() if passed is None else passed, _MAX_DEPTH))


def has_images(folder: Path) -> bool:
    """Return whether any image lies under ``folder``."""
    return next(_images(folder, Passed(), _MAX_DEPTH), None) is not None


def direct_images(folder: Path) -> int:
    """Count the images that lie directly in ``folder``."""
    return sum(1 for _ in _images(folder, Passed(), 0))


def subfolders(root: Path, passed: Passed | None = None) -> list[Path]:
    """List the folders directly in ``root``, sorted, without hidden ones and links that lead out of it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("dog", "cat", ".git"):
    ...         Path(folder, name).mkdir()
    ...     [path.name for path in subfolders(Path(folder))]
    ['cat', 'dog']
    """
    passed = Passed() if passed is None else passed
    folders = []
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith((".", "__")) or not _is_folder(entry):
                continue
            if not readable(entry.name):
                passed.odd.append(repr(os.fsencode(entry.name)))
            elif entry.is_symlink() and not _stays_inside(entry.path, root):
                passed.links.append(entry.name)
            else:
                folders.append(Path(entry.path))
    return sorted(folders)


def readable(name: str) -> bool:
    """Return whether a file's name is text: on disk it may be any bytes.

    >>> readable("café.png"), readable("caf\\udce9.png")
    (True, False)
    """
    return name.isprintable() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def is_regular(path: Path) -> bool:
    """Return whether ``path`` is a regular file, or a link to one: anything else may block whoever opens it.

    >>> is_regular(Path("/dev/null"))
    False
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):  # missing, in a loop of links, or no possible name
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _stays_inside(path: str, root: Path) -> bool:
    try:
        return Path(path).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _images(folder: Path, passed: Passed, depth: int) -> Iterator[Path]:
    with os.scandir(folder) as scan:
        entries = list(scan)
    for entry in entries:
        if entry.name.startswith((".", "__MACOSX")):
            continue
        if _is_folder(entry):
            if entry.is_symlink():
                passed.links.append(entry.name)
            elif depth > 0:
                yield from _images(Path(entry.path), passed, depth - 1)
            continue
        ending = os.path.splitext(entry.name)[1].lower()
        if ending in OTHER_IMAGES:
            passed.other[ending] += 1
        elif ending in IMAGE_ENDINGS or not ending:
            if not readable(entry.name) or not _is_file(entry):
                passed.odd.append(repr(os.fsencode(entry.name))[1:])
            elif ending or _begins_like_an_image(entry.path):
                yield Path(entry.path)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _begins_like_an_image(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(8).startswith(_SIGNATURES)
    except OSError:
        return False
