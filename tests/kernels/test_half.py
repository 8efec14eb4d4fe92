"""Widening float16: every number that there is, and nothing copied that need not be."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.kernels import half
from neurontune_core.kernels.half import as_float32, for_kernels

EVERY = np.arange(1 << 16, dtype=np.uint16).view(np.float16)


@pytest.mark.parametrize("compiled", [True, False])
def test_every_half_precision_number_is_widened_as_numpy_does(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half, "loops_pay", lambda _: compiled)
    expected = EVERY.astype(np.float32).reshape(64, -1)
    for vectors in (EVERY.reshape(64, -1), EVERY.view(np.uint16).reshape(64, -1)):
        widened = as_float32(vectors)
        assert widened.dtype == np.float32
        np.testing.assert_array_equal(widened, expected)
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(widened)[numbers], np.signbit(expected)[numbers])  # minus zero too
    part = EVERY.reshape(1024, -1)[::2, ::3]  # rows that are not contiguous
    np.testing.assert_array_equal(as_float32(part), part.astype(np.float32))


def test_the_room_given_is_used_and_single_precision_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half, "loops_pay", lambda _: True)
    room = np.zeros((70, 1024), np.float32)
    widened = as_float32(EVERY.reshape(64, -1), room)
    assert widened.base is room
    single = np.ones((64, 1024), np.float32)
    assert as_float32(single, room) is single


def test_compiled_loops_see_the_same_memory_and_cannot_write_to_it() -> None:
    for vectors in (np.ones((3, 4), np.float32), np.ones((3, 4), np.float16)):
        seen = for_kernels(vectors)
        assert np.shares_memory(seen, vectors)
        assert not seen.flags.writeable
        assert vectors.flags.writeable
    assert for_kernels(np.ones((3, 4), np.float16)).dtype == np.uint16
    assert for_kernels(np.ones((3, 8), np.float32)[:, ::2]).flags.c_contiguous
