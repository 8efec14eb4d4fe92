"""A thread that computes in advance what will probably be requested next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress


class Prefetcher:
    """A thread that runs small pieces of work; a new request drops what is left of the one before.

    Args:
        pause: seconds that pass before work begins, so that a person who moves on sooner keeps the whole machine.

    >>> done = threading.Event()
    >>> prefetcher = Prefetcher(pause=0.0)
    >>> prefetcher.request([done.set])
    >>> done.wait(10)
    True
    >>> prefetcher.stop()
    """

    def __init__(self, pause: float = 0.2) -> None:
        self._pause = pause
        self._changed = threading.Condition()
        self._requested: Iterable[Callable[[], object]] | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def request(self, works: Iterable[Callable[[], object]]) -> None:
        """Run these pieces one after the other, and drop what is left of an earlier request."""
        with self._changed:
            if self._stopped:
                return
            self._requested = works
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Wait for the current piece, then end; later requests are ignored."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (works := self._next()) is not None:
            with suppress(Exception):  # whoever asks for the same thing later sees the error
                for work in works:
                    if self._stopped or self._requested is not None:
                        break
                    with suppress(Exception):
                        work()

    def _next(self) -> Iterable[Callable[[], object]] | None:
        """Return the latest request once no newer one has come during the pause; None after `stop`."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._requested is not None)
            while not self._stopped:
                works, self._requested = self._requested, None
                self._changed.wait(self._pause)
                if self._requested is None and not self._stopped:
                    return works
        return None
