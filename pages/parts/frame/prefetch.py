"""What is done before somebody asks: at the start for the first page, and on the Neurons screen for the next neuron."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from importlib import import_module
from threading import Event
from time import sleep

from neurontune_core.errors import InputError
from neurontune_core.session.background_run import warm_up_kernels
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.prefetcher import Prefetcher
from pages.parts.frame.state import diagnosis, gallery, measured_split, workspace

IN_VIEW = 24  # pictures of a wall that stand in view
UNSEEN, PAINTING = 10.0, 1.5  # seconds to wait for a browser, and for it to draw
prefetcher = Prefetcher()
page_shown = Event()  # a script has run to its end


def warm_up() -> None:
    """What the first page needs, and when that is painted what the next ones will: a start is slow enough."""
    with suppress(InputError):
        for name in workspace().names()[:1]:
            first = diagnosis(name)
            measured_split(first, first.project.content["roles"]["evaluation"])
            import_module("plotly.graph_objects")
            page_shown.wait(UNSEEN)
            sleep(PAINTING)
            first.confidence(wait=60)
            prepare(name, first, int(first.ranking[0]), steps=(0, 1))
            warm_up_kernels(first)


def prepare(
    name: str, found: Diagnosis, neuron: int, label: int | None = None, steps: tuple[int, ...] = (1, -1, 2)
) -> None:
    """Activations and pictures of the neurons that stand so many places behind this one in the ranking.

    Args:
        label: the class that is looked at; each neuron's strongest when it is not chosen.
    """
    prefetcher.request(_pieces(name, found, neuron, label, steps))


def _pieces(
    name: str, found: Diagnosis, neuron: int, label: int | None, steps: tuple[int, ...]
) -> Iterator[Callable[[], object]]:
    shelf, split = gallery(name), found.project.content["roles"]["identification"]
    for by in steps:
        near = found.neighbour(neuron, by)
        yield partial(found.activations, near)
        if not shelf.has_pictures:
            continue
        wanted = int(found.strongest_class[near]) if label is None else label
        for correct in (True, False):
            for row in found.most_activating(near, label=wanted, correct=correct, limit=IN_VIEW):
                yield partial(shelf.thumbnail, split, int(row))


@lru_cache
def settle(imported: int) -> None:
    """Import what tables need, now that the first page is on its way to the browser; and keep the collector that runs
    after each script away from what the imports left behind.

    Args:
        imported: roughly how many modules there are; each time these are more, it is done again.
    """
    import_module("pandas")
    gc.collect()
    gc.freeze()
