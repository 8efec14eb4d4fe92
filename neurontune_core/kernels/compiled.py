"""The decorator of all compiled loops: no GIL, one thread, and machine code cached on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

_SOURCES = hashlib.sha256(
    b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()


class PackageCache(FunctionCache):
    """Machine code on disk that holds as long as no file of this package changes.

    Numba keys the code of a function by the function's own file. A loop that calls a helper of another file would go on
    running the helper's old code after a change there; with a hash of all files in the key it is compiled anew.
    """

    def _index_key(self, sig: Any, codegen: Any) -> tuple:
        return (*super()._index_key(sig, codegen), _SOURCES)


def compiled(**options: Any) -> Callable[[Callable], Any]:
    """Compile a function when it is first called, and keep its machine code on disk.

    Args:
        options: further ones of ``numba.njit``, such as ``fastmath``.
    """

    def decorate(function: Callable) -> Any:
        dispatcher = numba.njit(nogil=True, **options)(function)
        dispatcher._cache = PackageCache(function)  # what ``cache=True`` does, with another key
        return dispatcher

    return decorate
