"""A job's child process: ``python -m neurontune_core.jobs.worker FOLDER MODULE:FUNCTION``, started by `JobStore`."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from filelock import FileLock

from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json
from neurontune_core.jobs.store import JobStore

_NICENESS = 10  # the screens come first
_SECONDS_BETWEEN_WORDS = 0.2
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_TIDY_UP = 0.5  # between being asked to stop and leaving whatever the task is in


class Cancelled(BaseException):
    """Raised in the task when the job is to stop; no Exception, so that no library's ``except Exception`` eats it."""


class _Status:
    """The writer of status.json; what `task` gets as ``report``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said: dict[str, Any] = {"done": 0, "total": 0, "rate": 0.0, "message": ""}
        self._written = 0.0
        self._lock = threading.RLock()  # a signal may interrupt the holder and write the last word from there
        self._last_word = False

    def __call__(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        rate: float | None = None,
        message: str | None = None,
        **where: object,
    ) -> None:
        """Say how far the task is; what else is given becomes the message, as in "split train".

        Raises:
            Cancelled: when the job is to stop.
        """
        if message is None and where:
            message = ", ".join(f"{name} {value}" for name, value in where.items())
        news = {"done": done, "total": total, "rate": rate, "message": message}
        said = self._said | {name: value for name, value in news.items() if value is not None}
        new_stage = (said["total"], said["message"]) != (self._said["total"], self._said["message"])
        self._said = said
        if new_stage or time.monotonic() - self._written >= _SECONDS_BETWEEN_WORDS:
            self.write("running")
        if self.cancel_asked:
            raise Cancelled

    @property
    def cancel_asked(self) -> bool:
        return (self._folder / "cancel").exists()

    def write(self, state: str, **last_words: object) -> None:
        """Replace status.json; nothing is written after a state that ends the job."""
        with self._lock:
            if self._last_word:
                return
            write_json(self._folder / "status.json", {"state": state, **self._said, **last_words})
            self._written = time.monotonic()
            self._last_word = state != "running"


def main(folder: Path, function: str) -> int:
    """Wait for the job's turn, run it, write its last word; returns the exit code."""
    status = _Status(folder)
    signal.signal(signal.SIGTERM, _on_terminate)
    title = "The job"
    try:
        sys.stdin.read()  # until the parent has written the whole folder
        asked = read_json(folder / "config.json")
        title = asked["title"]
        threading.Thread(target=_leave_when_cancelled, args=(status,), daemon=True).start()
        os.nice(_NICENESS)
        _wait_for_turn(folder)
        with FileLock(folder.parent / ".slot"):  # held by one job at a time, and given back by whatever ends it
            status.write("running")
            module, name = function.split(":")
            result = getattr(importlib.import_module(module), name)(asked["config"], status)
        status.write("done", result=result)
        return 0
    except Cancelled:
        status.write("cancelled")
        return 0
    except InputError as error:
        traceback.print_exc()
        status.write("failed", error=str(error))
    except Exception as error:
        traceback.print_exc()
        first_line = (str(error).strip().splitlines() or [""])[0]
        what = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
        status.write("failed", error=f"{title} stopped unexpectedly: {what}; details are in {folder / 'log.txt'}")
    return 1


def _on_terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second request must not interrupt the tidying up
    raise Cancelled


def _leave_when_cancelled(status: _Status) -> None:
    """A signal waits until a call into a library returns, which may take long: then leave without it."""
    while not status.cancel_asked:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    time.sleep(_SECONDS_TO_TIDY_UP)
    status.write("cancelled")
    os._exit(0)


def _wait_for_turn(folder: Path) -> None:
    """First come, first served: a lock alone lets any of those who wait go first."""
    store = JobStore(folder.parent)
    while any(job.id < folder.name and not job.status().finished for job in store.list()):
        time.sleep(_SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
