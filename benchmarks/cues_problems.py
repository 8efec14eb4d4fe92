"""Problems of `cues.py`: a trained head with its sets, and simulated ways to point at its cue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.cues.cue import Box, Cue, Pointed, Words
from neurontune_core.cues.cutout import cut_out
from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.cues.pairs import measure_pairs
from neurontune_core.cues.pictures import PictureEdits
from neurontune_core.cues.texts import WordEdits, words_at
from neurontune_core.evaluation.pairs import find_pairs
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import EXAMPLES

MOST_PAIRS = 100


@dataclass(frozen=True, eq=False)
class Problem:
    """One trained head, its sets, and the ways to point at its cue."""

    name: str
    head: LinearHead
    identification: EmbeddingSet
    tuning: EmbeddingSet
    evaluation: EmbeddingSet
    project: Project | None = None

    @cached_property
    def dataset(self) -> Any:
        from neurontune_core.datasets import open_dataset

        assert self.project is not None
        return open_dataset(self.project.content["dataset"], self.project.source)

    @cached_property
    def network(self) -> Any:
        from neurontune_core.models import load_model

        assert self.project is not None
        return load_model(self.project.content["model"], self.project.source)

    @cached_property
    def shown(self) -> EmbeddingSet:
        """Return the set whose pairs show the cue: validation, or test where validation has no pairs."""
        return self.identification if len(find_pairs(self.identification)) else self.evaluation

    def measured(self, gesture: int, kind: str, cache: Path) -> CueMeasurement:
        """Return the pairs of one gesture, measured or read from the cache."""
        cue, edits = self.pointed(gesture, kind)
        file = cache / f"{cue.key}-{self.identification.fingerprint}.npz"
        kept = CueMeasurement.load(file, cue, self.identification)
        if kept is None:
            kept = measure_pairs(cue, edits, self.network, self.dataset, self.identification, most=MOST_PAIRS)
            kept.save(file)
        return kept

    def pointed(self, gesture: int, kind: str) -> tuple[Cue, Any]:
        """Simulate a gesture: "clean", "noisy" (shifted and scaled by 20 %) or "wrong" (no cue is there)."""
        shown, pairs, rng = self.shown, find_pairs(self.shown), np.random.default_rng([gesture, 7])
        place = int(np.random.default_rng(1).permutation(len(pairs))[gesture])
        rows = pairs.without[place], pairs.with_attribute[place]
        without, with_cue = (self.dataset.open_sample(str(shown.sources[row])) for row in rows)  # type: ignore[index]
        if isinstance(with_cue, str):
            words = Words(*_words_added(without, with_cue, wrong=kind == "wrong"))
            assert self.identification.sources is not None
            corpus = [self.dataset.open_sample(str(source)) for source in self.identification.sources]
            return Cue("cue", words), WordEdits(words, corpus)
        box = _difference(without, with_cue)
        if kind == "noisy":
            box = _disturbed(box, rng)
        picture, row = (without, rows[0]) if kind == "wrong" else (with_cue, rows[1])
        point = Pointed(shown.split, str(shown.sample_ids[row]), box)
        return Cue("cue", (point,)), PictureEdits([cut_out(picture, point)])


def _difference(without: Any, with_cue: Any) -> Box:
    """Return the box in which two pictures differ, with a margin of a pixel."""
    first, second = (np.asarray(picture, dtype=np.int64) for picture in (without, with_cue))
    ys, xs = np.nonzero(np.abs(first - second).sum(axis=2) > 60)
    height, width = first.shape[:2]
    left, right = max(np.percentile(xs, 1) - 1, 0), min(np.percentile(xs, 99) + 2, width)
    top, bottom = max(np.percentile(ys, 1) - 1, 0), min(np.percentile(ys, 99) + 2, height)
    return Box(left / width, top / height, (right - left) / width, (bottom - top) / height)


def _disturbed(box: Box, rng: np.random.Generator) -> Box:
    """Move a box by 20 % of its size in a random direction, and make it 20 % larger or smaller."""
    factor, right, down = rng.choice([0.8, 1.2]), *(0.2 * rng.choice([-1, 1], 2))
    width, height = min(0.9, box.width * factor), min(0.9, box.height * factor)
    x, y = box.center[0] + right * box.width - width / 2, box.center[1] + down * box.height - height / 2
    return Box(min(max(x, 0.0), 1 - width), min(max(y, 0.0), 1 - height), width, height)


def _words_added(without: str, with_cue: str, wrong: bool) -> tuple[tuple[str, ...], str, float]:
    """Return the words that one text has more than the other, and their place; or the words before them."""
    start = next((at for at in range(len(without)) if without[at] != with_cue[at]), len(without))
    if wrong:
        phrase = without.split(". ")[1]
        return (phrase.rstrip("."),), "", 1.0
    phrase, place = words_at(with_cue, start, len(with_cue))
    return (phrase.rstrip("."),), "", place


def problem_of(name: str) -> Problem:
    """Return a built-in example, a project folder, or one of the problems of vectors."""
    if name.startswith("birds-"):
        from waterbirds_style import erm_head, load, shared_data

        sets = load(shared_data() / "waterbirds_style")
        return Problem(
            name, erm_head(sets["train"], float(name.split("-")[1])), sets["val"], sets["train"], sets["test"]
        )
    if name == "conflict":
        from advice_problems import development

        drawn = next(each for each in development(Path(gettempdir())) if each.name == "cue-animal-vehicle-0")
        sets = drawn.make("balanced")
        return Problem(name, sets.head, sets.validation, sets.train, sets.test)
    source = EXAMPLES.get(name, Path(name))
    project = Project(source, source)
    roles = (project.load_set(role) for role in ("identification", "tuning", "evaluation"))
    return Problem(source.name, project.load_head(), *roles, project)
