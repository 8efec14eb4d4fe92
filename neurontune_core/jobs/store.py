"""Long work in its own process, which outlives the page, the session and the server that started it.

A job is one child process and one folder. The folder is the whole of the shared state, so every session, and a server
started later, sees the same thing:

    config.json     what was asked                      status.json   progress, replaced whole
    process.json    the child's pid and time of birth   cancel        exists once somebody asked it to stop
    log.txt         all that the child printed

What a child may run comes from the store's table of tasks and travels on its command line, never in the folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psutil

from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json

State = Literal["queued", "running", "done", "failed", "cancelled", "lost"]

TASKS: Mapping[str, str] = {
    "extract": "neurontune_core.workspace.tasks:extract_project",
    "umap": "neurontune_core.workspace.tasks:make_map",
    "compare": "neurontune_core.experiments.comparison:compare_project",
    "train": "neurontune_core.training.job:train_model",
    "ablate": "neurontune_core.experiments.studies:study_project",
}

_FINISHED = ("done", "failed", "cancelled", "lost")
_LOG_BYTES = 1 << 16
_LOST = (
    "The job's process ended without a word: it was killed, the machine ran out of memory, or it was switched off; "
    "start the job again."
)


@dataclass(frozen=True)
class JobStatus:
    """What is known of a job now.

    Attributes:
        state: "queued" behind another job, "running", "done", "failed", "cancelled", or "lost" (its process is gone
            and left no last word).
        done, total: steps; total is 0 while unknown.
        rate: steps per second; 0 while unknown.
        seconds_left: None while unknown.
        message: where the task is, such as "split train".
        error: one sentence when failed or lost, else empty.
        result: what the task returned, once done.
    """

    state: State
    done: int = 0
    total: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    error: str = ""
    result: Any = None

    @property
    def finished(self) -> bool:
        return self.state in _FINISHED


class Job:
    """One job's folder, seen from outside its process.

    Attributes:
        folder: the job's folder; its name is the job's ``id``.
        task, title, config: what was submitted.
        created: when.
    """

    def __init__(self, folder: Path) -> None:
        asked = read_json(folder / "config.json")
        self.folder, self.id = folder, folder.name
        self.task: str = asked["task"]
        self.title: str = asked["title"]
        self.config: dict[str, Any] = asked["config"]
        self.created = datetime.fromtimestamp(asked["created"])

    def status(self) -> JobStatus:
        """The child's last word; where it ended without one, "cancelled" if that was asked for, else "lost"."""
        alive = self._process() is not None  # looked at first: a child that ends between the two looks has written
        said = read_json(self.folder / "status.json")
        if said["state"] not in _FINISHED and not alive:
            cancelled = (self.folder / "cancel").exists()
            said |= {"state": "cancelled"} if cancelled else {"state": "lost", "error": _LOST}
        left = None
        if said["state"] == "running" and said.get("rate") and said.get("total"):
            left = max(0.0, (said["total"] - said["done"]) / said["rate"])
        return JobStatus(**said, seconds_left=left)

    def cancel(self) -> None:
        """Ask the job to stop; it does within a second. Nothing happens to a finished one."""
        if self.status().finished:
            return
        (self.folder / "cancel").touch()  # also seen by a child that is not yet listening to signals
        if process := self._process():
            process.terminate()

    def log(self, lines: int = 40) -> str:
        """The last lines that the child printed."""
        path = self.folder / "log.txt"
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _process(self) -> psutil.Process | None:
        born = read_json(self.folder / "process.json")
        try:
            process = psutil.Process(born["pid"])
            same = abs(process.create_time() - born["created"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if same else None  # a reused pid is another process


class JobStore:
    """All jobs under one folder; one of them works at a time, the others wait in the order of submission.

    Args:
        root: the folder of the job folders; made when missing.
        tasks: what may be run, name -> "module:function". The function takes the config and ``report``, which it calls
            as ``report(done=, total=, rate=, ...)`` and which raises when the job is to stop; it returns something
            JSON-able.
    """

    def __init__(self, root: str | Path, tasks: Mapping[str, str] = TASKS) -> None:
        self.root = Path(root).resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self._tasks = tasks

    def submit(self, task: str, config: dict[str, Any], *, title: str = "") -> Job:
        """Start a child for the task and return at once.

        Args:
            task: a name in the table of tasks.
            config: JSON-able; paths in it must be absolute, since the child has a working directory of its own.
            title: what people call the job.

        Raises:
            InputError: when the task is not in the table.
        """
        if task not in self._tasks:
            raise InputError(f'The task "{task}" is not known; use one of {", ".join(self._tasks)}.')
        folder = self.root / f"{time.time_ns()}-{uuid.uuid4().hex[:6]}"
        folder.mkdir()
        write_json(folder / "status.json", {"state": "queued"})
        command = [sys.executable, "-u", "-X", "faulthandler", "-m", "neurontune_core.jobs.worker", str(folder)]
        with (folder / "log.txt").open("wb") as log:
            child = subprocess.Popen(
                [*command, self._tasks[task]],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],  # where -m finds this package, however the parent found it
                # Ctrl-C at the server misses the child. A new session would do that too, but Linux schedules sessions
                # as groups, and in a group of its own the child's niceness would not count against the server.
                process_group=0,
            )
        assert child.stdin is not None
        write_json(folder / "process.json", {"pid": child.pid, "created": psutil.Process(child.pid).create_time()})
        asked = {"task": task, "title": title or task, "config": config, "created": time.time()}
        write_json(folder / "config.json", asked)  # last: a folder with a config is a whole job
        child.stdin.close()  # the child waits for this before it reads the folder
        threading.Thread(target=child.wait, daemon=True).start()  # so that it leaves no zombie behind
        return Job(folder)

    def get(self, job_id: str) -> Job:
        """The job of this id.

        Raises:
            InputError: when there is none.
        """
        job = next((job for job in self.list() if job.id == job_id), None)
        if job is None:
            raise InputError(f'There is no job "{job_id}".')
        return job

    def list(self) -> list[Job]:
        """Every job, the newest first."""
        folders = sorted((Path(entry) for entry in os.scandir(self.root) if entry.is_dir()), reverse=True)
        return [Job(folder) for folder in folders if (folder / "config.json").exists()]
