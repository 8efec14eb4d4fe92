"""Long work in its own process, which outlives the page, the session and the server that started it.

A job is one child process and one folder. The folder is all of the shared state, so every session, and a server
started later, sees the same:

    config.json     the task, its title and its config  status.json   progress, replaced whole
    process.json    the child's pid and time of birth   cancel        exists once the job was asked to stop
    log.txt         all that the child printed

What a child may run comes from the store's table of tasks and travels on its command line, never in the folder.
A damaged folder concerns its own job alone: the others are listed and run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

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
    "The job's process ended without a result: it was killed, the machine ran out of memory, or it was switched off; "
    "start the job again."
)


@dataclass(frozen=True)
class JobStatus:
    """The progress of a job.

    Attributes:
        state: "queued" behind another job, "running", "done", "failed", "cancelled", or "lost" (its process ended
            without writing a final state, or its files are damaged).
        done, total: steps; total is 0 while unknown.
        rate: steps per second; 0 while unknown.
        seconds_left: None while unknown.
        message: what the task is doing, such as "split train".
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
    """One job's folder, read from outside its process.

    Attributes:
        folder: the job's folder; its name is the job's ``id``.
        task, title, config: what was submitted.
        created: when.

    Raises:
        InputError: when ``config.json`` is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        content = _read(folder / "config.json", task=str, title=str, config=dict, created=float)
        self.folder, self.id = folder, folder.name
        self.task: str = content["task"]
        self.title: str = content["title"]
        self.config: dict[str, Any] = content["config"]
        try:
            self.created = datetime.fromtimestamp(content["created"])
        except (ValueError, OverflowError, OSError):
            raise InputError(f'{folder / "config.json"} has a "created" that is no time.') from None

    def status(self) -> JobStatus:
        """Return what the child wrote last; where it ended without a final state, "cancelled" if asked to, or "lost".

        A damaged status counts as lost, so that no later job waits for it, unless its process is alive.
        """
        alive = self._process() is not None  # before status.json is read: a child that ends in between has written it
        try:
            content = _read_status(self.folder / "status.json")
        except InputError as error:
            if alive:
                return JobStatus("running")  # the child replaces the file with its next report
            return JobStatus("lost", error=f"{str(error).rstrip('.')}; start the job again and delete {self.folder}.")
        if content["state"] not in _FINISHED and not alive:
            cancelled = (self.folder / "cancel").exists()
            content |= {"state": "cancelled"} if cancelled else {"state": "lost", "error": _LOST}
        status = JobStatus(**content)
        if status.state == "running" and status.rate > 0 and status.total:
            return JobStatus(**content, seconds_left=max(0.0, (status.total - status.done) / status.rate))
        return status

    def cancel(self) -> None:
        """Ask the job to stop, which it does within a second; a finished job is left as it is."""
        if self.status().finished:
            return
        (self.folder / "cancel").touch()  # also seen by a child that does not listen to signals yet
        if process := self._process():
            process.terminate()

    def log(self, lines: int = 40) -> str:
        """Return the last lines that the child printed."""
        path = self.folder / "log.txt"
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _process(self) -> psutil.Process | None:
        """Return the child's process; None when it has ended, or ``process.json`` does not tell which one it is."""
        try:
            born = _read(self.folder / "process.json", pid=int, created=float)
            process = psutil.Process(born["pid"])
            same = abs(process.create_time() - born["created"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except (InputError, psutil.Error, ValueError, OverflowError):  # the latter two: no pid of this system
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
        submitted = {"task": task, "title": title or task, "config": config, "created": time.time()}
        write_json(folder / "config.json", submitted)  # last: a folder with a config is a complete job
        child.stdin.close()  # the child waits for this before it reads the folder
        threading.Thread(target=child.wait, daemon=True).start()  # so that it leaves no zombie behind
        return Job(folder)

    def get(self, job_id: str) -> Job:
        """Return the job of this id.

        Raises:
            InputError: when there is none.
        """
        job = next((job for job in self.list() if job.id == job_id), None)
        if job is None:
            raise InputError(f'There is no job "{job_id}".')
        return job

    def list(self) -> list[Job]:
        """Return the jobs, the newest first, without those of `damaged`.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     JobStore(folder).list(), JobStore(folder).damaged()
        ([], ())
        """
        return [job for job in self._jobs() if isinstance(job, Job)]

    def damaged(self) -> tuple[str, ...]:
        """Return one sentence for each folder whose ``config.json`` cannot be read; `list` leaves it out."""
        return tuple(
            f"{str(error).rstrip('.')}; delete its folder and start the job again."
            for error in self._jobs()
            if isinstance(error, InputError)
        )

    def _jobs(self) -> Iterator[Job | InputError]:
        for folder in sorted((Path(entry) for entry in os.scandir(self.root) if entry.is_dir()), reverse=True):
            if (folder / "config.json").exists():
                try:
                    yield Job(folder)
                except InputError as error:
                    yield error


def _read_status(file: Path) -> dict[str, Any]:
    """Return the fields of a `JobStatus` that a file holds.

    Raises:
        InputError: when it is missing or damaged.
    """
    kinds = {"state": str, "done": int, "total": int, "rate": float, "message": str, "error": str}
    content = _read(file, state=str)
    names = [field.name for field in fields(JobStatus) if field.name != "seconds_left"]
    checked = {name: kinds[name] for name in content if name in kinds}
    if not set(content) <= set(names) or content["state"] not in get_args(State):
        raise InputError(f"{file} is not the status of a job.")
    return _checked(file, content, checked)


def _read(file: Path, **kinds: type) -> dict[str, Any]:
    """Return a JSON object with at least these fields.

    Raises:
        InputError: when the file is missing, is no JSON object, or a field is missing or of another type.
    """
    try:
        content = read_json(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}).") from None
    if not isinstance(content, dict):
        raise InputError(f"{file} is not a JSON object.")
    return _checked(file, content, kinds)


def _checked(file: Path, content: dict[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    for name, kind in kinds.items():
        allowed = (int, float) if kind is float else kind
        if not isinstance(content.get(name), allowed):
            raise InputError(f'{file} has no "{name}" of type {kind.__name__}.')
    return content
