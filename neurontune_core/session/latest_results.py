"""The results that were computed last, shared by sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class LatestResults(Generic[Result]):
    """Up to ``size`` results by key; the one that was used longest ago is dropped first.

    Unlike `functools.lru_cache` it takes a key beside the arguments that are needed to compute a result.

    >>> results = LatestResults(1)
    >>> results.get("two", lambda: 1 + 1), results.get("two", lambda: 0), results.peek("three")
    (2, 2, None)
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._results: dict[Hashable, Result] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return the kept result, or compute and keep it; two sessions may compute the same one at once."""
        with self._lock:
            if key in self._results:
                self._results[key] = self._results.pop(key)  # now the last to be dropped
                return self._results[key]
        result = compute()
        with self._lock:
            self._results[key] = result
            while len(self._results) > self._size:
                del self._results[next(iter(self._results))]
        return result

    def peek(self, key: Hashable) -> Result | None:
        """Return the kept result; None when there is none."""
        with self._lock:
            return self._results.get(key)
