"""What will probably be asked for next, made beside the screen while nobody waits for anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress


class LookAhead:
    """Small pieces of work in a thread of their own; only what was wished for last is done.

    Args:
        pause: seconds that pass before work begins; who goes on faster than that is left all of the machine.
    """

    def __init__(self, pause: float = 0.2) -> None:
        self._pause = pause
        self._changed = threading.Condition()
        self._wished: Iterable[Callable[[], object]] | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def wish(self, works: Iterable[Callable[[], object]]) -> None:
        """Do these one after the other, and drop what is left of an earlier wish."""
        with self._changed:
            if self._stopped:
                return
            self._wished = works
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End after the piece at hand, and take no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (works := self._next()) is not None:
            with suppress(Exception):  # what is wrong is said where it is asked for
                for work in works:
                    if self._stopped or self._wished is not None:
                        break
                    with suppress(Exception):
                        work()

    def _next(self) -> Iterable[Callable[[], object]] | None:
        """The latest wish, once no newer one has come for a while; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._wished is not None)
            while not self._stopped:
                works, self._wished = self._wished, None
                self._changed.wait(self._pause)
                if self._wished is None and not self._stopped:
                    return works
        return None
