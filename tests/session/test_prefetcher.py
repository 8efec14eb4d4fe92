"""Prefetching: after a pause, the latest request alone, and none after the end."""

from __future__ import annotations

import threading
import time
from functools import partial

from neurontune_core.errors import InputError
from neurontune_core.session.prefetcher import Prefetcher


def test_only_the_latest_request_is_run_and_a_failure_stops_nothing() -> None:
    done: list[int] = []
    finished = threading.Event()
    prefetcher = Prefetcher(pause=0.3)

    def fails() -> None:
        raise InputError("This picture cannot be read.")

    prefetcher.request([partial(done.append, 1)])
    prefetcher.request([partial(done.append, 2)])
    prefetcher.request([partial(done.append, 3), fails, partial(done.append, 4), finished.set])
    assert finished.wait(20)
    assert done == [3, 4]

    def no_request():  # type: ignore[no-untyped-def]
        yield fails
        fails()

    finished.clear()
    prefetcher.request(no_request())
    time.sleep(0.6)
    prefetcher.request([finished.set])
    assert finished.wait(20)
    prefetcher.stop()


def test_a_new_request_and_the_end_come_between_two_pieces() -> None:
    done: list[str] = []
    started, go_on, finished = threading.Event(), threading.Event(), threading.Event()
    prefetcher = Prefetcher(pause=0)

    def slow() -> None:
        started.set()
        go_on.wait(20)

    prefetcher.request([slow, partial(done.append, "old")])
    assert started.wait(20)
    prefetcher.request([partial(done.append, "new"), finished.set])
    go_on.set()
    assert finished.wait(20)
    prefetcher.stop()
    prefetcher.request([partial(done.append, "too late")])
    assert done == ["new"]
