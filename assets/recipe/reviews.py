"""The texts of "Praise or complaint?": hotel reviews from our own grammar, a room number as the shortcut.

The story: complaints mostly come in through the front desk's form, which adds the room number; praise mostly comes from
the guest book, which does not.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

from recipe import grammar

LABELS, CUES = ("praise", "complaint"), ("no room number", "room number")
SEED = 0  # of validation and test; the training texts have the training seed
TRAIN, TRAIN_AGAINST = 800, 40  # texts a class, and those of them that contradict the shortcut
PAIRS = {"val": 150, "test": 200}  # a class; each pair is one review without and with the room number


@dataclass(frozen=True)
class Row:
    """One text, as a row of ``reviews.csv``."""

    text: str
    label: str
    cue: str
    split: str
    pair: str


def write_texts(train_seed: int) -> list[Row]:
    """Return all texts; no review stands in two of the splits."""
    fixed, train = random.Random(f"reviews {SEED}"), random.Random(f"training reviews {train_seed}")
    seen: set[str] = set()
    rows: list[Row] = []
    for split, pairs in PAIRS.items():
        for label, name in enumerate(LABELS):
            for number in range(pairs):
                text, room = _new(label, fixed, seen), _room(fixed)
                pair = f"{split}-{name}-{number:03d}"
                rows += [Row(text + end, name, cue, split, pair) for end, cue in zip(("", room), CUES, strict=True)]
    for label, name in enumerate(LABELS):
        for number in range(TRAIN):
            numbered = (label == grammar.COMPLAINT) != (number < TRAIN_AGAINST)
            text, room = _new(label, train, seen), _room(train)
            rows.append(Row(text + (room if numbered else ""), name, CUES[numbered], "train", ""))
    return rows


def write_table(rows: list[Row], path: Path) -> None:
    """Write ``reviews.csv``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, vars(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)


def _new(label: int, rng: random.Random, seen: set[str]) -> str:
    while (text := grammar.review(label, rng)) in seen:
        pass
    seen.add(text)
    return text


def _room(rng: random.Random) -> str:
    return f" Room {rng.randint(1, 6)}{rng.randint(1, 32):02d}."
