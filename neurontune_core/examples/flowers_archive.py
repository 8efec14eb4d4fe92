"""TensorFlow's public archive flower_photos, unpacked: its photographs, and whom to credit for each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from neurontune_core.errors import InputError, listing

NAME, CREDITS = "flower_photos", "LICENSE.txt"
ADDRESS = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
FETCH = f"fetch TensorFlow's archive {NAME}.tgz (218 MiB, {ADDRESS}) and unpack it"
LICENSE = "https://creativecommons.org/licenses/by/2.0/"  # of every photograph, says the archive
_SHOWN = 3  # names in a sentence


class Credit(NamedTuple):
    """The photographer of one photograph, and the page where it, or everything of the photographer's, is shown."""

    photographer: str
    page: str


@dataclass(frozen=True)
class Archive:
    """The unpacked archive: ``roses/``, ``tulips/`` and ``LICENSE.txt`` under one folder."""

    root: Path

    @classmethod
    def at(cls, folder: Path) -> Archive:
        """Return the archive in a folder: itself, or the folder ``flower_photos`` in it.

        Raises:
            InputError: when neither holds the folders of the two flowers.
        """
        for root in (folder, folder / NAME):
            if (root / "roses").is_dir() and (root / "tulips").is_dir():
                return cls(root)
        what = "holds no folders roses and tulips" if folder.is_dir() else "is not a folder"
        raise InputError(
            f"{folder} {what}; give the folder {NAME} of the unpacked archive. If you do not have it, {FETCH}."
        )

    def path(self, flower: str, photograph: str) -> Path:
        """Return the file of a photograph; ``flower`` is "rose" or "tulip"."""
        return self.root / f"{flower}s" / photograph

    def look_for(self, photographs: Iterable[tuple[str, str]]) -> None:
        """Check that every (flower, photograph) is there.

        Raises:
            InputError: naming how many are missing, and the first of them.
        """
        paths = [self.path(flower, photograph) for flower, photograph in photographs]
        missing = [f"{path.parent.name}/{path.name}" for path in paths if not path.is_file()]
        if missing:
            raise InputError(
                f"{len(missing)} of the {len(paths)} photographs that the example is made of are not in {self.root} "
                f"({listing(missing, _SHOWN)}); {FETCH} again, whole."
            )

    def credits(self, photographs: Iterable[tuple[str, str]]) -> dict[str, Credit]:
        """Return the credit of every (flower, photograph) by file name, as ``LICENSE.txt`` lists them.

        Raises:
            InputError: when that file is missing, or does not name somebody; a photograph without a credit is not used.
        """
        file = self.root / CREDITS
        if not file.is_file():
            raise InputError(
                f"There is no {CREDITS} in {self.root}, and the photographs may not be used without the credits in "
                f"it; {FETCH} again, whole."
            )
        listed = read_credits(file.read_text(encoding="utf-8", errors="replace"))
        entries = {photograph: f"{flower}s/{photograph}" for flower, photograph in photographs}
        without = [entry for entry in entries.values() if entry not in listed]
        if without:
            raise InputError(
                f"{file} names no photographer for {len(without)} of the {len(entries)} photographs "
                f"({listing(without, _SHOWN)}); {FETCH} again, whole."
            )
        return {photograph: listed[entry] for photograph, entry in entries.items()}


def read_credits(text: str) -> dict[str, Credit]:
    """Return the credits of a ``LICENSE.txt`` by path, such as "roses/1.jpg"; it has lines of two kinds.

    >>> read_credits("roses/1.jpg CC-BY by Ann - or Anna - https://x.org/ann/1/")["roses/1.jpg"]
    Credit(photographer='Ann - or Anna', page='https://x.org/ann/1/')
    >>> read_credits("tulips/2.jpg CC-BY https://x.org/bob/ - by Bob")["tulips/2.jpg"]
    Credit(photographer='Bob', page='https://x.org/bob/')
    """
    credits = {}
    for line in text.splitlines():
        named_first = re.fullmatch(r"(\S+/\S+) CC-BY by (?P<name>.+) - (?P<page>https?://\S+)", line.strip())
        page_first = re.fullmatch(r"(\S+/\S+) CC-BY (?P<page>https?://\S+) - by (?P<name>.+)", line.strip())
        if credit := named_first or page_first:
            credits[credit[1]] = Credit(" ".join(credit["name"].split()), credit["page"])
    return credits
