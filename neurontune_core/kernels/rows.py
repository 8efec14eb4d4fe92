"""Rows of embeddings: float16 bits widened to float32, and columns gathered; compiled."""

from __future__ import annotations

import numba
import numpy as np
from numba.extending import overload

from neurontune_core.kernels.compiled import compiled


def as_floats(row, buffer):  # type: ignore[no-untyped-def]
    """Return the numbers of a row: float32 as it is, bits of float16 widened into ``buffer``.

    Every finite float16 is exactly that float32. It exists in compiled code alone.
    """
    raise NotImplementedError


@overload(as_floats)
def _as_floats(row, buffer):  # type: ignore[no-untyped-def]
    if row.dtype == numba.float32:
        return lambda row, buffer: row

    def widened(row, buffer):  # type: ignore[no-untyped-def]
        # The exponent's bias differs by 112. Shifts and one product become vector instructions on every machine.
        for k in range(row.shape[0]):
            half = np.uint32(row[k])
            bits = ((half & np.uint32(0x7FFF)) << np.uint32(13)) | ((half & np.uint32(0x8000)) << np.uint32(16))
            buffer[k] = np.uint32(bits).view(np.float32) * np.float32(2.0**112)
        return buffer

    return widened


@compiled()
def widen(rows, out):  # type: ignore[no-untyped-def]
    """Widen float16 bits ``rows`` [R, M] uint16 into ``out`` [R, M] float32, NaN and infinity too."""
    full = np.uint16(0x7C00)  # the exponent of what is not finite
    for r in range(rows.shape[0]):
        row, wide = rows[r], out[r]
        as_floats(row, wide)
        largest = np.uint16(0)
        for k in range(row.shape[0]):
            largest = max(largest, row[k] & full)
        if largest == full:
            for k in range(row.shape[0]):
                if row[k] & full == full:
                    wide[k] = wide[k] * np.float32(np.inf) if row[k] & 0x3FF == 0 else np.float32(np.nan)


@compiled()
def gather(vectors, columns, out):  # type: ignore[no-untyped-def]
    """Copy columns: ``out[r, k] = vectors[r, columns[k]]``, both of one type."""
    for r in range(vectors.shape[0]):
        row = vectors[r]
        for k in range(columns.shape[0]):
            out[r, k] = row[columns[k]]
