"""What takes long to make, kept as files; the least recently used go first when they take too much room."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from neurontune_core.files import write_whole

_MOST_BYTES = 1 << 30
_LOOK_AFTER = 1 << 26  # bytes written before the folder is measured again


class DiskCache:
    """Bytes by name under one folder. A disk that is full or read-only only makes it forget.

    Args:
        folder: made at the first `put`.
        most_bytes: what it may hold, give or take 64 MB.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     cache = DiskCache(Path(folder))
    ...     cache.put("maps/3.npy", b"map")
    ...     cache.get("maps/3.npy"), cache.get("maps/4.npy")
    (b'map', None)
    """

    def __init__(self, folder: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._written = _LOOK_AFTER  # an older process may have left much

    def get(self, name: str) -> bytes | None:
        """Return the bytes kept under a name; None when there are none."""
        path = self._folder / name
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return content

    def put(self, name: str, content: bytes) -> None:
        with suppress(OSError):
            write_whole(self._folder / name, lambda path: path.write_bytes(content))
            self._written += len(content)
            if self._written >= min(_LOOK_AFTER, self._most_bytes):
                self._written = 0
                self._make_room()

    def _make_room(self) -> None:
        files = [(path, path.stat()) for path in self._folder.rglob("*") if path.is_file()]
        total = sum(state.st_size for _, state in files)
        for path, state in sorted(files, key=lambda file: file[1].st_mtime_ns):
            if total <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            total -= state.st_size
