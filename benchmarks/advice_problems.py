"""The problems that the adviser is judged on: real features with known groups, and generated ones.

Each is drawn twice: with a validation set balanced over the groups, and with one as biased as the training set. They
come in two parts. The adviser's rule was designed on the development part; the held-out part has other seeds, other
strengths of the shortcut, other cues for the same data, and five kinds of data of its own: the built-in reviews,
networks that have memorised their training set, textures as the class, two shortcuts at once, and wrong labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from advice_draw import Pool, Sets, drawn
from advice_generated import memorised, noisy_labels, planted, shortcut, two_cues, wide
from advice_pools import birds, clickbait, cue_conflict, digits, faces, reviews, sentence_pairs, shared_data

Part = Literal["development", "held out"]
VALIDATIONS = ("balanced", "biased")
BIRDS = {"train": 500, "val": 90, "test": 200}
HEADLINES = {"train": 1000, "val": 200, "test": 200}
PAIRS = {"train": 1500, "val": 200, "test": 150}
PICTURES = {"train": 400, "val": 60, "test": 60}
DIGITS = {"train": 400, "val": 100, "test": 100}


@dataclass(frozen=True)
class Problem:
    """One draw of one kind of data.

    Attributes:
        family: what the table has a row for.
        name: unique; names the cache.
        part: on which the rule was designed, or held out.
        make: "balanced" or "biased" -> the sets.
    """

    family: str
    name: str
    part: Part
    make: Callable[[str], Sets]


def problems(cache: Path) -> Iterator[Problem]:
    """Return all problems; those whose data are missing are left out."""
    yield from development(cache)
    yield from held_out(cache)


def development(cache: Path) -> Iterator[Problem]:
    of = partial(Problem, part="development")
    data = shared_data()
    if (data / "waterbirds_style").is_dir():
        for seed, penalty in ((0, 0.01), (1, 0.01), (2, 0.01), (10, 1.0), (11, 1.0), (12, 1.0)):
            yield of("birds on land or water", f"birds-{penalty:g}-{seed}", make=_birds(seed, 0.95, penalty))
        for seed in (20, 21):
            make = _drawn(_places, seed, aligned=0.95, penalty=0.01, **BIRDS)
            yield of("land or water behind birds", f"places-{seed}", make=make)
    if (data / "clickbait").is_dir():
        strengths = ((0, 0.95), (1, 0.95), (2, 0.85), (3, 0.5), (10, 0.95), (11, 0.98), (12, 0.9), (13, 1.0))
        for seed, aligned in strengths:
            make = _drawn(clickbait, seed, aligned=aligned, penalty=1.0, **HEADLINES)
            yield of("clickbait or news", f"clickbait-{aligned:g}-{seed}", make=make)
    if (data / "cueconflict").is_dir():
        for kinds, seeds in (
            (("animal", "vehicle"), (0, 1, 2)),
            (("animal", "object"), (10, 11)),
            (("vehicle", "object"), (10, 11)),
            (("animal", "vehicle", "object"), (10, 11)),
        ):
            for seed in seeds:
                aligned = 0.95 if len(kinds) == 2 else 0.9
                make = _drawn(partial(cue_conflict, kinds), seed, aligned=aligned, penalty=0.01, **PICTURES)
                yield of(f"cue conflict, {len(kinds)} shapes", f"cue-{'-'.join(kinds)}-{seed}", make=make)
    if (data / "nli").is_dir():
        for seed, kind, aligned in ((0, "2", 0.95), (1, "2", 0.85), (10, "2", 0.95), (11, "3", 0.9), (12, "3", 0.95)):
            make = _drawn(partial(sentence_pairs, cache, kind), seed, aligned=aligned, penalty=1.0, **PAIRS)
            yield of("pairs of sentences, negation", f"nli-{kind}-{aligned:g}-{seed}", make=make)
    if (data / "waterbirds_style").is_dir():
        for seed in (50, 51):
            yield of("memorised, development", f"learned-birds-{seed}", make=_memorised(_birds(seed, 0.95, 0.1), seed))
    if (data / "clickbait").is_dir():
        for seed in (50, 51):
            make = _drawn(clickbait, seed, aligned=0.95, penalty=1.0, **HEADLINES)
            yield of("memorised, development", f"learned-clickbait-{seed}", make=_memorised(make, seed))
    for seed, classes in ((50, 2), (51, 3)):
        make = _drawn(partial(digits, classes), seed, aligned=0.93, penalty=1.0, **DIGITS)
        yield of("memorised, development", f"learned-digits-{seed}", make=_memorised(make, seed))
    for seed in (0, 1, 2):
        yield of("built-in faces", f"faces-{seed}", make=partial(faces, seed))
    for seed, strengths in ((0, (0.5, 0.8, 0.95, 1.0)), (10, (0.5, 0.7, 0.9, 0.98, 1.0))):
        for aligned in strengths:
            yield of("planted, 12 neurons", f"planted-{aligned:g}-{seed}", make=partial(planted, seed, aligned=aligned))
    for seed, aligned in ((100, 0.5), (101, 0.8), (102, 0.95), (103, 1.0)):
        yield of("generated, 10 neurons", f"shortcut-{aligned:g}-{seed}", make=partial(shortcut, seed, aligned=aligned))
    for seed in (*range(12), *range(100, 112)):
        yield of("generated, 256 neurons", f"wide-{seed}", make=partial(wide, seed))


def held_out(cache: Path) -> Iterator[Problem]:
    of = partial(Problem, part="held out")
    data = shared_data()
    if (data / "waterbirds_style").is_dir():
        for seed, aligned in ((30, 0.9), (31, 0.97)):
            yield of("birds on land or water", f"birds-0.1-{seed}", make=_birds(seed, aligned, 0.1))
        for seed in (32, 33):
            yield of("birds, memorised", f"memorised-birds-{seed}", make=_memorised(_birds(seed, 0.95, 0.1), seed))
    if (data / "clickbait").is_dir():
        for seed, aligned in ((30, 0.93), (31, 0.97)):
            make = _drawn(partial(clickbait, "length"), seed, aligned=aligned, penalty=1.0, **HEADLINES)
            yield of("clickbait or news, by length", f"length-{aligned:g}-{seed}", make=make)
    if (data / "cueconflict").is_dir():
        for seed, kinds in ((30, ("animal", "vehicle")), (31, ("animal", "object")), (32, ("vehicle", "object"))):
            make = _drawn(partial(cue_conflict, kinds, "texture"), seed, aligned=0.9, penalty=0.01, **PICTURES)
            yield of("cue conflict, textures", f"texture-{'-'.join(kinds)}-{seed}", make=make)
    if (data / "nli").is_dir():
        for seed, aligned in ((30, 0.95), (31, 0.9)):
            make = _drawn(partial(sentence_pairs, cache, "overlap"), seed, aligned=aligned, penalty=0.1, **PAIRS)
            yield of("pairs of sentences, overlap", f"overlap-{aligned:g}-{seed}", make=make)
    for seed in (0, 1, 2):
        yield of("built-in reviews", f"reviews-{seed}", make=partial(reviews, seed))
    for seed, classes, aligned in ((30, 2, 0.95), (31, 2, 0.98), (32, 2, 0.9), (33, 4, 0.95), (34, 4, 0.9)):
        make = _drawn(partial(digits, classes), seed, aligned=aligned, penalty=1.0, **DIGITS)
        yield of("colored digits, memorised", f"digits-{classes}-{aligned:g}-{seed}", make=_memorised(make, seed))
    for aligned in (0.6, 0.85, 0.97):
        yield of("planted, 12 neurons", f"planted-{aligned:g}-20", make=partial(planted, 20, aligned=aligned))
    for seed, aligned in ((110, 0.7), (111, 0.9), (112, 0.97)):
        yield of("generated, 10 neurons", f"shortcut-{aligned:g}-{seed}", make=partial(shortcut, seed, aligned=aligned))
    for seed in range(200, 208):
        yield of("generated, 256 neurons", f"wide-{seed}", make=partial(wide, seed))
    for seed in range(300, 305):
        yield of("two shortcuts", f"two-{seed}", make=partial(two_cues, seed))
        yield of("wrong labels", f"wrong-{seed}", make=partial(noisy_labels, seed))


def _drawn(pool: Callable[[], Pool], seed: int, **how: Any) -> Callable[[str], Sets]:
    return lambda validation: drawn(pool(), seed, validation, **how)


def _birds(seed: int, aligned: float, penalty: float) -> Callable[[str], Sets]:
    return _drawn(birds, seed, aligned=aligned, penalty=penalty, **BIRDS)


def _places() -> Pool:
    pool = birds()
    return replace(pool, labels=pool.attributes, attributes=pool.labels)


def _memorised(make: Callable[[str], Sets], seed: int) -> Callable[[str], Sets]:
    return lambda validation: memorised(make(validation), seed)
