"""The compiled selection of order statistics among unsorted samples, by counting leading bits."""

from __future__ import annotations

import numpy as np

from neurontune_core.kernels.compiled import compiled

_BITS = 11  # of a key, counted in one pass
_FEW = 48  # so few are sorted instead
_ROWS = 16  # copied together, so that whole cache lines are read and written


@compiled()
def select(vectors, rows, rank, pair, flip_positive, flip_negative, keys, out):  # type: ignore[no-untyped-def]
    """Select the keys at one rank, or at two that follow each other, among some samples, for every neuron.

    A key is a number's bits, changed so that keys stand in the order of the numbers or of their magnitudes. Each pass
    counts how often each value of the next leading bits occurs, and keeps the keys that have the right one.

    Args:
        vectors: [N, M] unsigned, the bits of floats.
        rows: [n] int64, the samples; at least one.
        rank: from 0, below n.
        pair: whether the next rank is selected too.
        flip_positive, flip_negative: what the bits of numbers without and with a sign are combined with by exclusive
            or; uint32.
        keys: [B, n or more] uint32, overwritten: room for B neurons at a time.
        out: [M, 2] uint32, written: the keys at the rank and at the next one, or twice the first.
    """
    size, neurons = rows.shape[0], out.shape[0]
    width = 8 * vectors.itemsize
    sign = np.uint32(width - 1)
    counts = np.empty(1 << _BITS, np.uint32)
    for first in range(0, neurons, keys.shape[0]):
        block = min(keys.shape[0], neurons - first)
        for start in range(0, size, _ROWS):
            end = min(start + _ROWS, size)
            for j in range(block):
                for r in range(start, end):
                    number = np.uint32(vectors[rows[r], first + j])
                    keys[j, r] = number ^ (flip_negative if number >> sign else flip_positive)
        for j in range(block):
            _select_one(keys[j, :size], rank, pair, width, counts, out[first + j])


@compiled()
def _select_one(own, rank, pair, width, counts, out):  # type: ignore[no-untyped-def]
    """Do what `select` does for one neuron, whose keys ``own`` [n] are overwritten; ``out`` is [2]."""
    left, rest = own.shape[0], width
    while left > _FEW and rest > 0:
        bits = min(_BITS, rest)
        rest -= bits
        shift, ones = np.uint32(rest), np.uint32((1 << bits) - 1)
        counts[:] = 0
        for r in range(left):
            counts[(own[r] >> shift) & ones] += np.uint32(1)
        low, before = np.uint32(0), 0
        while rank >= before + counts[low]:
            before += counts[low]
            low += np.uint32(1)
        if pair and rank + 1 == before + counts[low]:  # the next rank has other leading bits
            high = low + np.uint32(1)
            while counts[high] == 0:
                high += np.uint32(1)
            most, least = np.uint32(0), ~np.uint32(0)
            for r in range(left):
                place = (own[r] >> shift) & ones
                most = max(most, own[r] if place == low else np.uint32(0))
                least = min(least, own[r] if place == high else ~np.uint32(0))
            out[0], out[1] = most, least
            return
        kept = 0
        for r in range(left):
            key = own[r]
            own[kept] = key  # without a branch: it would be mispredicted half of the time
            kept += ((key >> shift) & ones) == low
        rank, left = rank - before, kept
    if rest > 0:
        for r in range(1, left):
            key, place = own[r], r
            while place > 0 and own[place - 1] > key:
                own[place] = own[place - 1]
                place -= 1
            own[place] = key
    out[0], out[1] = own[rank], own[rank + 1] if pair else own[rank]
