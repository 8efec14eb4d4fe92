"""Work done ahead of requests: at start-up for the first screen, and on the Neurons screen for the next neuron."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from importlib import import_module
from threading import Event
from time import sleep

from neurontune_core.errors import InputError
from neurontune_core.identification.ranking import Ranking
from neurontune_core.session.background_run import warm_up_kernels
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.session.prefetcher import Prefetcher
from pages.parts.frame.state import gallery, measured_split, open_diagnosis, workspace

IN_VIEW = 24  # images of a wall that are visible without scrolling
FIRST_PAIRS = 8  # of a class, on the first screen
UNSEEN, PAINTING = 10.0, 1.5  # seconds to wait for a browser, and for it to draw
FETCHING = 1.5  # seconds that charts wait for the first pictures
MODULES_PER_FREEZE = 250  # newly imported modules after which the heap is frozen again
prefetcher = Prefetcher()
page_shown = Event()  # a script has run to its end
pictures_sent = Event()  # images were sent to a browser


def warm_up() -> None:
    """Load what the first screen needs and, once that is painted, what the next ones will."""
    with suppress(InputError):
        for name in workspace().names()[:1]:
            first = open_diagnosis(name)
            evaluated = measured_split(first, first.project.content["roles"]["evaluation"])
            _thumbnails_of_pairs(name, evaluated)
            import_module("plotly.graph_objects")
            page_shown.wait(UNSEEN)
            sleep(PAINTING)
            import_module("pandas")  # for tables
            first.confidence(wait=60)
            ranking = first.ranking()
            prepare(name, first, ranking, ranking.first, ranking.label, steps=(0, 1))
            warm_up_kernels(first)


def let_pictures_go_first() -> None:
    """Wait, once in a server's life, until the first pictures are sent; the chart library takes a browser a second."""
    if not pictures_sent.is_set():
        pictures_sent.wait(FETCHING)
        pictures_sent.set()


def _thumbnails_of_pairs(name: str, split: MeasuredSplit) -> None:
    """Make the thumbnails of the pairs that the first screen begins with."""
    images = gallery(name)
    if images.has_images and len(split.pairs):
        pairs = split.pairs
        first = split.paired(split.erm).order(None)[:FIRST_PAIRS]
        images.thumbnails(split.name, [*pairs.without[first].tolist(), *pairs.with_attribute[first].tolist()])


def prepare(
    name: str,
    diagnosis: Diagnosis,
    ranking: Ranking,
    neuron: int,
    label: int | None = None,
    steps: tuple[int, ...] = (1, -1, 2),
) -> None:
    """Request activations and thumbnails of the neurons that follow this one in the ranking.

    Args:
        label: the class that is shown; None for the strongest one of each neuron.
        steps: distances in the ranking.
    """
    prefetcher.request(_pieces(name, diagnosis, ranking, neuron, label, steps))


def _pieces(
    name: str, diagnosis: Diagnosis, ranking: Ranking, neuron: int, label: int | None, steps: tuple[int, ...]
) -> Iterator[Callable[[], object]]:
    images, split = gallery(name), diagnosis.project.content["roles"]["identification"]
    for by in steps:
        near = ranking.neighbor(neuron, by)
        yield partial(diagnosis.activations, near)
        if not images.has_images:
            continue
        shown = int(diagnosis.strongest_class[near]) if label is None else label
        for correct in (True, False):
            for row in diagnosis.most_activating(near, label=shown, correct=correct, limit=IN_VIEW):
                yield partial(images.thumbnail, split, int(row))


def freeze_after_imports() -> None:
    """Keep the collector that runs after each script away from what imports left behind.

    Does so once, and again whenever `MODULES_PER_FREEZE` more modules have been imported.
    """
    _freeze(len(sys.modules) // MODULES_PER_FREEZE)


@lru_cache
def _freeze(imported: int) -> None:
    """Freeze the heap, once for each value of ``imported``."""
    gc.collect()
    gc.freeze()
