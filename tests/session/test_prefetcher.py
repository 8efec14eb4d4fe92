"""Work ahead of a person: after a pause, the latest wish alone, and none after the end."""

from __future__ import annotations

import threading
import time
from functools import partial

from neurontune_core.errors import InputError
from neurontune_core.session.prefetcher import LookAhead


def test_only_the_latest_wish_is_done_and_a_failure_stops_nothing() -> None:
    done: list[int] = []
    finished = threading.Event()
    ahead = LookAhead(pause=0.3)

    def fails() -> None:
        raise InputError("This picture cannot be read.")

    ahead.wish([partial(done.append, 1)])
    ahead.wish([partial(done.append, 2)])
    ahead.wish([partial(done.append, 3), fails, partial(done.append, 4), finished.set])
    assert finished.wait(20)
    assert done == [3, 4]

    def no_wish():  # type: ignore[no-untyped-def]
        yield fails
        fails()

    finished.clear()
    ahead.wish(no_wish())
    time.sleep(0.6)
    ahead.wish([finished.set])
    assert finished.wait(20)
    ahead.stop()


def test_a_new_wish_and_the_end_come_between_two_pieces() -> None:
    done: list[str] = []
    started, go_on, finished = threading.Event(), threading.Event(), threading.Event()
    ahead = LookAhead(pause=0)

    def slow() -> None:
        started.set()
        go_on.wait(20)

    ahead.wish([slow, partial(done.append, "old")])
    assert started.wait(20)
    ahead.wish([partial(done.append, "new"), finished.set])
    go_on.set()
    assert finished.wait(20)
    ahead.stop()
    ahead.wish([partial(done.append, "too late")])
    assert done == ["new"]
