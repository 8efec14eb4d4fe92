"""Dataset: a list of images or texts with labels, splits and, for measuring only, groups."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from neurontune_core.datasets.pictures import decode
from neurontune_core.embeddings import OverlappingGroups
from neurontune_core.errors import InputError
from neurontune_core.remarks import Remark

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

KEPT_BACK = "reweight"  # split of the training samples that no training sees
SPLITS = {
    "train": ("0", "train", "training", "tr"),
    "val": ("1", "val", "valid", "validation", "dev", "va"),
    "test": ("2", "test", "testing", "te"),
}
_SPLIT_OF = {alias: name for name, aliases in SPLITS.items() for alias in aliases}
IMAGE_ENDINGS = frozenset(  # what Pillow reads
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".jp2", ".j2k", ".jpx", ".jpf", ".avif", ".tga", ".pcx", ".sgi"),
    )
)
_WHOLE_FLOAT = re.compile(r"^(\d+)\.0*$")  # pandas writes whole numbers beside empty cells so
_LOOKED_FOR = 25  # files looked for when a table is opened
SAMPLE_NOUNS = {
    "image": "images",
    "text": "texts",
    "text_pair": "pairs of texts",
}  # by modality


class DatasetGuess(NamedTuple):
    """A spec for `open_dataset`, with an absolute root, and one sentence that describes the dataset."""

    spec: dict[str, Any]
    description: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images or texts under one folder.

    Attributes:
        root: the folder.
        samples: one row per sample: ``id`` (unique text), ``source`` (an image's path relative to ``root``, with
            ``/``; of a text, and of an image inside a table, ``<file>#<row from 0>``), ``label`` (int64, 0..C-1),
            ``split`` ("train", "val", "test" or ""), ``group`` (int64) where groups are known, ``pair`` (text or None)
            where it is known which two samples differ in the attribute alone, ``unit`` (text or None) where it is known
            which samples belong together, the words of a text in ``text``, and those of a pair of texts in ``text`` and
            ``text2``.
        class_names: the C class names.
        group_names: names of the groups ``g = y * n_attributes + attribute``; empty without groups.
        modality: ``"image"``, ``"text"`` or ``"text_pair"``.
        overlapping_groups: a second set of groups that is not a partition, rows in the order of ``samples``, or None.
        preprocessing: the usual preprocessing of a published dataset: keys of `Preprocessing` for images,
            ``max_length`` (in tokens) for texts; empty for other datasets.
        remarks: what reading the dataset took for granted or left out.
        exif: "rotate" turns images upright as their EXIF says, "ignore" leaves them as they are stored.

    >>> import pandas as pd
    >>> samples = pd.DataFrame({"source": ["a.jpg", "b.jpg"], "label": [0, 1], "split": ["test", "train"]})
    >>> dataset = Dataset(Path("birds"), samples, ("landbird", "waterbird"))
    >>> dataset.splits, dataset.rows("test")["source"].tolist()
    (('train', 'test'), ['a.jpg'])
    """

    root: Path
    samples: pd.DataFrame
    class_names: tuple[str, ...]
    group_names: tuple[str, ...] = ()
    modality: str = "image"
    overlapping_groups: OverlappingGroups | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    exif: str = "rotate"

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that have samples, in the order train, val, test; ``("",)`` for a dataset without any.

        A part that was kept back from training (`hold_out.kept_back`) comes behind train.
        """
        present = set(self.samples["split"])
        return tuple(split for split in ("train", KEPT_BACK, "val", "test", "") if split in present)

    def rows(self, split: str) -> pd.DataFrame:
        """Return the rows of ``samples`` that belong to a split, in their order.

        Raises:
            InputError: when the split has no samples.
        """
        chosen = self.samples[self.samples["split"] == split]
        if chosen.empty:
            raise InputError(f'The dataset {self.root} has no samples in split "{split}"; it has {list(self.splits)}.')
        return chosen

    def look_for_files(self) -> None:
        """Check that some of the images exist.

        A few may be missing, which extraction reports; if none exists, the folder is wrong.

        Raises:
            InputError: when none of a sample of the images exists.
        """
        sources = [] if self.modality != "image" else self.samples["source"].tolist()
        step = max(1, len(sources) // _LOOKED_FOR)
        if sources and not any((self.root / source).is_file() for source in sources[::step]):
            names = (os.fsencode(path.name).decode("utf-8", "replace") for path in self.root.iterdir() if path.is_dir())
            folders = sorted(name for name in names if not name.startswith("."))
            raise InputError(
                f'None of the images that were looked for is in {self.root}, the first being "{sources[0]}"; '
                f"check the dataset's folder (it holds the folders {folders[:6]})."
            )

    def open_text(self, row: int) -> str | tuple[str, str]:
        """Return the text in row ``row`` of ``samples``, or both texts of a pair.

        Raises:
            InputError: when the samples are images.
        """
        if self.modality == "image":
            raise InputError(f"The samples of {self.root} are images, not texts.")
        text = str(self.samples["text"].iat[row])
        return (text, str(self.samples["text2"].iat[row])) if self.modality == "text_pair" else text

    def open_sample(self, source: str) -> Image.Image | str | tuple[str, str]:
        """Return the image or the text that ``samples`` calls ``source``.

        Raises:
            InputError: when there is none, or the image cannot be read.
        """
        if self.modality == "image":
            return self.open_source(source)
        if source not in self._text_rows:
            raise InputError(f'There is no text "{source}" in {self.root}.')
        return self.open_text(self._text_rows[source])

    @cached_property
    def _text_rows(self) -> dict[str, int]:
        return {source: row for row, source in enumerate(self.samples["source"])}

    def open_image(self, row: int) -> Image.Image:
        """Return the image in row ``row`` of ``samples`` in RGB, upright where ``exif`` says so.

        Raises:
            InputError: when the file is missing, is not an image, or lies outside the folder.
        """
        return self.open_source(str(self.samples["source"].iat[row]))

    def open_source(self, source: str) -> Image.Image:
        """Return the image at ``source`` in RGB, upright where ``exif`` says so.

        Raises:
            InputError: when the file is missing, is not an image, or lies outside the folder.
        """
        if self.modality != "image":
            raise InputError(f"The samples of {self.root} are texts, not images.")
        try:
            return decode(self.image_file(source), source, self.exif)
        except FileNotFoundError:
            raise InputError(f'The image "{source}" is not in {self.root}.') from None

    def image_file(self, source: str) -> Path | BytesIO:
        """Return where the image at ``source`` is stored.

        Raises:
            InputError: when it lies outside the folder, or is no regular file.
        """
        path = inside(self.root, source)
        if path.exists() and not path.is_file():
            raise InputError(f'The image "{source}" in {self.root} is no regular file; replace it.')
        return path


def inside(root: Path, source: str) -> Path:
    """Return ``root / source`` with symbolic links resolved, provided that it lies inside ``root``.

    Raises:
        InputError: for an absolute path, one with ``..``, and a link that leads out.

    >>> inside(Path("/data"), "birds/1.jpg").name
    '1.jpg'
    """
    check_relative(source)
    try:
        path = (root / source).resolve()
    except (OSError, RuntimeError):
        raise InputError(f'The path "{source}" of {root} ends in a loop of links; copy the file into it.') from None
    if not path.is_relative_to(root.resolve()):
        raise InputError(
            f'The path "{source}" leads out of the dataset\'s folder {root} through a link; copy the files into it.'
        )
    return path


def check_relative(source: str) -> None:
    """Check that ``source`` is a relative path without ``..``.

    Raises:
        InputError: when it is not.

    >>> check_relative("birds/1.jpg")
    >>> check_relative("../secret")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: The path "../secret" leads out of the dataset; ...
    """
    path = PurePosixPath(source.replace("\\", "/"))
    if not source.strip() or "\0" in source or path.is_absolute() or source[1:2] == ":" or ".." in path.parts:
        raise InputError(
            f'The path "{source}" leads out of the dataset; give paths relative to its folder, without "..".'
        )


def split_name(value: str) -> str:
    """Normalize the name of a split to "train", "val" or "test"; datasets write 0/1/2, valid, validation, dev, ...

    Raises:
        InputError: for any other value.

    >>> split_name("Validation"), split_name("2")
    ('val', 'test')
    """
    name = _SPLIT_OF.get(_WHOLE_FLOAT.sub(r"\1", value.strip().lower()))
    if name is None:
        raise InputError(f'The split "{value}" is not known; use train, val and test (or 0, 1 and 2).')
    return name


def is_split(value: str) -> bool:
    return value.strip().lower() in _SPLIT_OF and not value.strip().isdigit()


def group_names(class_names: Sequence[str], attribute_names: Sequence[str]) -> tuple[str, ...]:
    """Combine class and attribute names into group names, in the order of ``g = y * n_attributes + attribute``.

    >>> group_names(("landbird", "waterbird"), ("land", "water"))
    ('landbird, land', 'landbird, water', 'waterbird, land', 'waterbird, water')
    """
    return tuple(f"{label}, {attribute}" for label in class_names for attribute in attribute_names)
