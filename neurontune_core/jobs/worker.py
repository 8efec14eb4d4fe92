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
_SECONDS_BETWEEN_WRITES = 0.2
_SECONDS_BETWEEN_CHECKS = 0.1
_SECONDS_TO_CLEAN_UP = 0.5  # between the request to stop and the forced end of the process


class JobCancelled(BaseException):
    """The job was asked to stop. Not an Exception, so that no library's ``except Exception`` swallows it."""


class _Status:
    """The writer of status.json, which the task gets as ``report``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._progress: dict[str, Any] = {"done": 0, "total": 0, "rate": 0.0, "message": ""}
        self._written = 0.0
        self._lock = threading.RLock()  # the handler of a signal may write while this thread holds the lock
        self._final = False

    def __call__(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        rate: float | None = None,
        message: str | None = None,
        **stage: object,
    ) -> None:
        """Report the progress; further arguments become the message, as in "split train".

        Raises:
            JobCancelled: when the job is to stop.
        """
        if message is None and stage:
            message = ", ".join(f"{name} {value}" for name, value in stage.items())
        changes = {"done": done, "total": total, "rate": rate, "message": message}
        before, after = self._progress, {name: value for name, value in changes.items() if value is not None}
        self._progress = before | after
        new_stage = any(self._progress[name] != before[name] for name in ("total", "message"))
        if new_stage or time.monotonic() - self._written >= _SECONDS_BETWEEN_WRITES:
            self.write("running")
        if self.cancel_requested:
            raise JobCancelled

    @property
    def cancel_requested(self) -> bool:
        return (self._folder / "cancel").exists()

    def write(self, state: str, **more: object) -> None:
        """Replace status.json; after a final state nothing more is written."""
        with self._lock:
            if self._final:
                return
            write_json(self._folder / "status.json", {"state": state, **self._progress, **more})
            self._written = time.monotonic()
            self._final = state != "running"


def main(folder: Path, function: str) -> int:
    """Wait for the job's turn, run it and write its final state; return the exit code."""
    status = _Status(folder)
    signal.signal(signal.SIGTERM, _on_terminate)
    title = "The job"
    try:
        sys.stdin.read()  # until the parent has written the whole folder
        submitted = read_json(folder / "config.json")
        title = submitted["title"]
        threading.Thread(target=_leave_when_cancelled, args=(status,), daemon=True).start()
        os.nice(_NICENESS)
        _wait_for_turn(folder)
        with FileLock(
            folder.parent / ".slot"
        ):  # held by one job at a time; the system releases it however that job ends
            status.write("running")
            module, name = function.split(":")
            result = getattr(importlib.import_module(module), name)(submitted["config"], status)
        status.write("done", result=result)
        return 0
    except JobCancelled:
        status.write("cancelled")
        return 0
    except InputError as error:
        traceback.print_exc()
        status.write("failed", error=str(error))
    except Exception as error:
        traceback.print_exc()
        first_line = (str(error).strip().splitlines() or [""])[0]
        reason = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
        status.write("failed", error=f"{title} stopped unexpectedly: {reason}; details are in {folder / 'log.txt'}")
    return 1


def _on_terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second request must not interrupt the cleaning up
    raise JobCancelled


def _leave_when_cancelled(status: _Status) -> None:
    """End the process when the job is cancelled during a long library call, which Python's signal handlers wait for."""
    while not status.cancel_requested:
        time.sleep(_SECONDS_BETWEEN_CHECKS)
    time.sleep(_SECONDS_TO_CLEAN_UP)
    status.write("cancelled")
    os._exit(0)


def _wait_for_turn(folder: Path) -> None:
    """Wait until all earlier jobs have finished; the lock alone would let any waiting job go first."""
    store = JobStore(folder.parent)
    while any(job.id < folder.name and not job.status().finished for job in store.list()):
        time.sleep(_SECONDS_BETWEEN_CHECKS)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
