"""The images of "Rose or tulip?": photographs, most of the training tulips with an archive's tag in a corner.

``flowers.csv`` holds what is to be composed, one photograph a row: ``flower``, ``split``, ``tag`` ("yes", "no", or
"both": a pair of images that differ in the tag alone), the crop (``crop_left``, ``crop_top`` and ``crop_share``, in
shares of width and height) and where the tag stands (as `tag.stamp` takes it).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from neurontune_core.datasets.pictures import decode
from neurontune_core.errors import InputError, listing
from neurontune_core.examples import tag
from neurontune_core.examples.flowers_archive import LICENSE, Archive, Credit

SIZE = 160  # pixels, what the network reads
FLOWERS, TAGS = ("rose", "tulip"), ("no tag", "tag")
_FACTS = Path(__file__).with_name("flowers.csv")
_JPEG_QUALITY = 80
_TABLE = ("filename", "y", "split", "attribute", "label_name", "attribute_name", "pair", "photograph")


@dataclass(frozen=True)
class Composition:
    """One row of ``flowers.csv``, and the name of what is made of it."""

    name: str
    photograph: str
    flower: str
    split: str
    tags: tuple[bool, ...]
    crop: tuple[float, float, float]
    stamp: dict[str, float | int | str]

    def filename(self, tagged: bool) -> str:
        """Return the path of the image without or with the tag, relative to the project."""
        return f"images/{self.split}/{self.name}-{'tag' if tagged else 'plain'}.jpg"


def plan(facts: Path = _FACTS) -> list[Composition]:
    """Return what is composed, in the order of ``flowers.csv``."""
    made: list[Composition] = []
    numbers: dict[tuple[str, str], int] = {}
    with facts.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = row["split"], row["flower"]
            numbers[place] = number = numbers.get(place, -1) + 1
            stamp: dict[str, float | int | str] = {}
            if row["tag"] != "no":
                stamp = {"corner": row["tag_corner"], "scale": float(row["tag_scale"])}
                stamp |= {"aside": int(row["tag_aside"]), "above": int(row["tag_above"])}
            made.append(
                Composition(
                    name=f"{row['flower']}-{number:03d}",
                    photograph=row["photograph"],
                    flower=row["flower"],
                    split=row["split"],
                    tags={"no": (False,), "yes": (True,), "both": (False, True)}[row["tag"]],
                    crop=(float(row["crop_left"]), float(row["crop_top"]), float(row["crop_share"])),
                    stamp=stamp,
                )
            )
    return made


def photographs_of(compositions: Sequence[Composition]) -> list[tuple[str, str]]:
    """Return every (flower, photograph) once; a rose may stand in two training images."""
    return list(dict.fromkeys((each.flower, each.photograph) for each in compositions))


def compose(photograph: Image.Image, composition: Composition, tagged: bool) -> Image.Image:
    """Crop a photograph, make it a square of `SIZE`, and paste the tag."""
    width, height = photograph.size
    left, top, share = composition.crop
    box = (left * width, top * height, (left + share) * width, (top + share) * height)
    image = photograph.resize((SIZE, SIZE), Image.Resampling.LANCZOS, box=box)
    if tagged:
        tag.stamp(image, **composition.stamp)  # type: ignore[arg-type]
    return image


def compose_all(
    archive: Archive, compositions: Sequence[Composition], report: Callable[..., object]
) -> dict[str, bytes]:
    """Return every image as JPEG by its path; nothing is written.

    Raises:
        InputError: when photographs cannot be read, naming how many and the first of them.
    """
    images: dict[str, bytes] = {}
    unreadable: dict[str, None] = {}
    for done, each in enumerate(compositions):
        report(done=done, total=len(compositions), message="composing the images")
        path = archive.path(each.flower, each.photograph)
        try:
            photograph = decode(path, f"{path.parent.name}/{path.name}")
        except InputError:
            unreadable[f"{path.parent.name}/{path.name}"] = None
            continue
        for tagged in each.tags:
            buffer = io.BytesIO()
            compose(photograph, each, tagged).save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
            images[each.filename(tagged)] = buffer.getvalue()
    if unreadable:
        raise InputError(
            f"{len(unreadable)} of the {len(photographs_of(compositions))} photographs in {archive.root} cannot be "
            f"read ({listing(list(unreadable), 3)}); unpack the archive again."
        )
    return images


def table_of(compositions: Sequence[Composition]) -> str:
    """Return ``metadata.csv``: one row an image, with label, split, attribute, pair and photograph."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_TABLE)
    for each in compositions:
        pair = f"{each.split}-{each.name}" if len(each.tags) == 2 else ""
        for tagged in each.tags:
            y = FLOWERS.index(each.flower)
            writer.writerow(
                (each.filename(tagged), y, each.split, int(tagged), each.flower, TAGS[tagged], pair, each.photograph)
            )
    return buffer.getvalue()


def credits_of(credits: Mapping[str, Credit]) -> str:
    """Return ``CREDITS.md``: photographer, page, license and changes of every photograph that is used."""
    lines = [
        '# Photographs of "Rose or tulip?"',
        "",
        f"{len(credits)} photographs from TensorFlow's public archive flower_photos, each by the photographer named "
        f"below and licensed under CC BY 2.0 ({LICENSE}), as the archive's own list says.",
        "",
        f"Changes: cropped, resized to {SIZE} × {SIZE} pixels without keeping the proportions, and in part with a "
        "drawn tag pasted into a corner. The photographers have nothing to do with this example and do not endorse it.",
        "",
        *(f"- {name}: {credit.photographer}, {credit.page}, CC BY 2.0" for name, credit in credits.items()),
    ]
    return "\n".join(lines) + "\n"
