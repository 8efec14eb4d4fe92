"""Results that sessions share: the latest are kept, and sessions that come at once do not disturb each other."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from neurontune_core.session.latest_results import LatestResults


def test_a_kept_result_is_not_computed_again() -> None:
    results, computed = LatestResults[int](2), []
    for key in "aab":
        assert results.get(key, lambda key=key: computed.append(key) or len(computed)) in (1, 2)
    assert computed == ["a", "b"]
    assert (results.peek("a"), results.peek("b"), results.peek("c")) == (1, 2, None)


def test_the_one_that_was_used_longest_ago_is_dropped_first() -> None:
    results = LatestResults[str](2)
    for key in "abac":  # a is used again before c comes
        results.get(key, lambda key=key: key)
    assert [results.peek(key) for key in "abc"] == ["a", None, "c"]


def test_a_failure_is_raised_and_not_kept() -> None:
    results = LatestResults[float](2)
    with pytest.raises(ZeroDivisionError):
        results.get("a", lambda: 1 / 0)
    assert results.get("a", lambda: 1.0) == 1.0


def test_many_sessions_at_once_each_get_their_result() -> None:
    results, interval = LatestResults[int](4), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as sessions:
            answers = list(sessions.map(lambda n: results.get(n % 32, lambda: n % 32), range(20_000)))
    finally:
        sys.setswitchinterval(interval)
    assert answers == [n % 32 for n in range(20_000)]
