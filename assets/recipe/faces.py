"""Images of "Happy or unhappy?": one large face on a muted background, with or without an archive's tag in a corner."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from neurontune_core.examples import tag
from recipe import textures
from recipe.emoji import FLUENT, NOTO, Emoji

SIZE = 160  # pixels, what the network reads
JPEG_QUALITY = 70
SEED = 0


def codes(text: str) -> tuple[str, ...]:
    """Return the code points that a text lists, in hexadecimal."""
    return tuple(text.split())


LABELS, TAGS = ("happy", "unhappy"), ("no tag", "tag")
HAPPY = codes(
    """
1f600 1f603 1f604 1f601 1f606 1f605 1f923 1f602 1f642 1f609 1f60a 263a 1f607 1f970 1f60d 1f929 1f60b 1f61b
1f61c 1f92a 1f61d 1f917 1f60c 1f920 1f973 1f60e 1f913 1f911 1f63a 1f638 1f639 1f63b 1f31e 1f31d 1f618 1f61a
1f619 1f92d 1f608 1f63d
"""
)
UNHAPPY = codes(
    """
1f641 2639 1f615 1f61f 1f623 1f616 1f62b 1f629 1f97a 1f622 1f62d 1f620 1f621 1f92c 1f628 1f630 1f625 1f613
1f631 1f976 1f922 1f92e 1f912 1f915 1f61e 1f614 1f63f 1f63e 1f640 1f47f 1f626 1f627 1f612 1f624 1f62a 1fae4
1f975 1f635 1f927 1f974
"""
)
FAMILIES = (FLUENT, NOTO)
VAL_FACES, TEST_FACES = 7, 9  # expressions a class; the rest train
TRAIN, TRAIN_AGAINST = 400, 12  # images a class, and those of them that contradict the shortcut
PAIRS = {"val": 100, "test": 75}  # a class; each pair is one image without and with the tag
BIASED_AGAINST = 15  # of the 100 pairs a class, those that show their untypical half in a validation like training
LEFT_OUT = "left out"  # the other half of a pair, in the column of that validation


@dataclass(frozen=True)
class Row:
    """One image, as a row of ``metadata.csv``; the same row gives the same pixels."""

    filename: str
    y: int
    split: str
    attribute: int
    label_name: str
    attribute_name: str
    pair: str
    biased_split: str
    expression: str
    family: str
    seed: int


def plan() -> list[Row]:
    """Return one row an image. No expression stands in two splits, whichever family drew it."""
    rng = random.Random(SEED)
    rows: list[Row] = []
    for y, all_faces in enumerate((HAPPY, UNHAPPY)):
        order = list(all_faces)
        rng.shuffle(order)
        parts = {
            "val": order[:VAL_FACES],
            "test": order[VAL_FACES : VAL_FACES + TEST_FACES],
            "train": order[VAL_FACES + TEST_FACES :],
        }
        against = set(rng.sample(range(TRAIN), TRAIN_AGAINST))
        for number in range(TRAIN):
            tagged = (y == 1) != (number in against)
            rows.append(_row(y, "train", number, parts["train"], tagged, rng.randrange(2**31)))
        for split, pairs in PAIRS.items():
            against = set(rng.sample(range(pairs), BIASED_AGAINST)) if split == "val" else set()
            for number in range(pairs):
                seed = rng.randrange(2**31)
                shown = (y == 1) != (number in against)
                rows += [_row(y, split, number, parts[split], tagged, seed, shown) for tagged in (False, True)]
    return rows


def _row(y: int, split: str, number: int, part: list[str], tagged: bool, seed: int, shown: bool | None = None) -> Row:
    code, family = part[number // len(FAMILIES) % len(part)], FAMILIES[number % len(FAMILIES)]
    stem = f"{LABELS[y]}-{number:03d}"
    return Row(
        filename=f"images/{split}/{stem}-{'tag' if tagged else 'plain'}.jpg",
        y=y,
        split=split,
        attribute=int(tagged),
        label_name=LABELS[y],
        attribute_name=TAGS[tagged],
        pair="" if shown is None else f"{split}-{stem}",
        biased_split=LEFT_OUT if split == "val" and tagged != shown else split,
        expression=code,
        family=family,
        seed=seed,
    )


def compose(row: Row, emoji: Emoji) -> Image.Image:
    """Draw the image of one row: both halves of a pair differ in the tag alone."""
    rng = np.random.default_rng(row.seed)
    image = textures.background(rng, SIZE)
    face = emoji.face(row.expression, row.family)
    scale = rng.uniform(0.66, 0.82) * SIZE / max(face.size)
    face = face.resize((round(face.width * scale), round(face.height * scale)), Image.Resampling.LANCZOS)
    if rng.random() < 0.5:
        face = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    face = face.rotate(rng.uniform(-15, 15), resample=Image.Resampling.BICUBIC, expand=True)
    face = face.crop(face.getbbox())
    x = round(rng.uniform(0.02, 0.98) * (SIZE - face.width))
    y = round(rng.uniform(0.02, 0.7) * (SIZE - face.height))  # rather high: the tag must not hide the mouth
    shadow = Image.new("L", image.size)
    shadow.paste(face.getchannel("A").point(lambda alpha: alpha * 0.5), (x + 2, y + 4))
    image.paste((0, 0, 0), (0, 0), shadow.filter(ImageFilter.GaussianBlur(3)))
    image.paste(face, (x, y), face)
    if row.attribute:
        scale, aside, above = rng.uniform(0.95, 1.1), int(rng.integers(3, 9)), int(rng.integers(3, 9))
        corner = "right" if rng.random() < 0.5 else "left"
        tag.stamp(image, scale=scale, corner=corner, aside=aside, above=above)
    return image


def encode(image: Image.Image) -> bytes:
    """Return the JPEG as it is shipped."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def compose_all(folder: Path, emoji: Emoji) -> list[Row]:
    """Write ``images/`` and ``metadata.csv``; files that are right already stay untouched."""
    rows = plan()
    for row in rows:
        path, content = folder / row.filename, encode(compose(row, emoji))
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    expected = {folder / row.filename for row in rows}
    for path in (folder / "images").rglob("*"):
        if path.is_file() and path not in expected:
            path.unlink()
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, vars(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)
    return rows
