"""Jobs in real child processes: progress, cancelling, queueing, failing, dying, outliving their parent."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neurontune_core.errors import InputError
from neurontune_core.jobs.store import TASKS, Job, JobStatus, JobStore
from tests.support.paths import ROOT

TASKS_HERE = {name: f"tests.support.job_tasks:{name}" for name in ("count", "hash_in_c", "refuse", "crash")}
PATIENCE = 30.0  # seconds, for a child to import what it needs on a busy machine


def wait_for(job: Job, condition: Callable[[JobStatus], bool], seconds: float = PATIENCE) -> JobStatus:
    end = time.monotonic() + seconds
    while not condition(status := job.status()):
        assert time.monotonic() < end, f"still {status}; log: {job.log()}"
        time.sleep(0.02)
    return status


def finish(job: Job) -> JobStatus:
    return wait_for(job, lambda status: status.finished)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStore]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    store = JobStore(tmp_path / "jobs", tasks=TASKS_HERE)
    yield store
    for job in store.list():
        job.cancel()


def test_progress_is_seen_while_a_job_runs_and_its_result_when_it_is_done(store: JobStore) -> None:
    job = store.submit("count", {"total": 10, "pause": 0.1}, title="Counting")
    running = wait_for(job, lambda status: status.done > 0)
    assert running.state == "running"
    assert running.total == 10
    assert running.message == "split train"
    assert running.seconds_left == pytest.approx((10 - running.done) * 0.1)
    assert finish(job) == JobStatus("done", done=10, total=10, rate=10.0, message="split train", result={"counted": 10})
    assert "counted 10" in job.log(lines=1)
    assert (job.title, job.task, job.config["total"]) == ("Counting", "count", 10)


def test_a_running_job_stops_within_a_second_of_being_cancelled(store: JobStore) -> None:
    job = store.submit("count", {"total": 10_000, "pause": 0.05})
    wait_for(job, lambda status: status.done > 0)
    job.cancel()
    assert wait_for(job, lambda status: status.finished, seconds=1.0).state == "cancelled"


def test_a_job_inside_a_long_library_call_stops_within_a_second_too(store: JobStore) -> None:
    job = store.submit("hash_in_c", {})
    wait_for(job, lambda status: status.total == 1)
    job.cancel()
    assert wait_for(job, lambda status: status.finished, seconds=1.0).state == "cancelled"


def test_a_job_is_cancelled_before_its_process_listens(store: JobStore) -> None:
    job = store.submit("count", {"total": 10_000, "pause": 0.05})
    job.cancel()
    assert wait_for(job, lambda status: status.finished, seconds=1.0).state == "cancelled"


def test_the_second_job_waits_and_can_be_cancelled_while_it_waits(store: JobStore) -> None:
    first = store.submit("count", {"total": 10_000, "pause": 0.05})
    wait_for(first, lambda status: status.state == "running")
    second = store.submit("count", {"total": 1, "pause": 0.0})
    time.sleep(1.0)
    assert second.status().state == "queued"
    second.cancel()
    assert wait_for(second, lambda status: status.finished, seconds=1.0).state == "cancelled"
    assert first.status().state == "running"


def test_jobs_run_in_the_order_of_submission(store: JobStore, tmp_path: Path) -> None:
    jobs = [
        store.submit("count", {"total": 2, "pause": 0.1, "ran": str(tmp_path / "ran"), "name": name}) for name in "abc"
    ]
    assert [finish(job).state for job in jobs] == ["done"] * 3
    assert (tmp_path / "ran").read_text().split() == ["a", "b", "c"]
    assert [job.id for job in store.list()] == [job.id for job in reversed(jobs)]


def test_a_killed_process_shows_as_lost_and_frees_the_slot(store: JobStore) -> None:
    job = store.submit("count", {"total": 10_000, "pause": 0.05})
    wait_for(job, lambda status: status.state == "running")
    os.kill(json.loads((job.folder / "process.json").read_text())["pid"], signal.SIGKILL)
    status = wait_for(job, lambda status: status.finished, seconds=2.0)
    assert status.state == "lost"
    assert "ended without a word" in status.error
    assert finish(store.submit("count", {"total": 1, "pause": 0.0})).state == "done"


def test_a_reused_pid_is_not_taken_for_the_job(store: JobStore) -> None:
    job = store.submit("count", {"total": 10_000, "pause": 0.05})
    wait_for(job, lambda status: status.state == "running")
    born = json.loads((job.folder / "process.json").read_text())
    os.kill(born["pid"], signal.SIGKILL)
    (job.folder / "process.json").write_text(json.dumps(born | {"pid": os.getpid()}))
    assert job.status().state == "lost"
    job.cancel()  # and this process is not terminated for it


def test_a_job_outlives_the_process_that_started_it(store: JobStore) -> None:
    program = (
        "import sys; from neurontune_core.jobs.store import JobStore;"
        f"JobStore(sys.argv[1], tasks={TASKS_HERE!r}).submit('count', {{'total': 10, 'pause': 0.2}})"
    )
    subprocess.run([sys.executable, "-c", program, str(store.root)], check=True, cwd=ROOT)
    (job,) = store.list()
    assert not job.status().finished
    assert finish(job).result == {"counted": 10}


def test_bad_input_in_a_job_shows_as_its_own_sentence(store: JobStore) -> None:
    status = finish(store.submit("refuse", {}))
    assert (status.state, status.error) == ("failed", 'There is no folder "birds"; give the folder of the data set.')


def test_any_other_error_is_one_sentence_and_its_traceback_is_in_the_log(store: JobStore) -> None:
    job = store.submit("crash", {}, title="Extraction")
    status = finish(job)
    assert status.state == "failed"
    assert status.error == (
        f"Extraction stopped unexpectedly: RuntimeError: out of luck; details are in {job.folder / 'log.txt'}"
    )
    assert "Traceback" in job.log()
    assert "and of memory" in job.log()


def test_the_child_gives_way_to_the_screens(store: JobStore) -> None:
    job = store.submit("count", {"total": 10_000, "pause": 0.05})
    wait_for(job, lambda status: status.state == "running")
    pid = json.loads((job.folder / "process.json").read_text())["pid"]
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)
    assert os.getpgid(pid) == pid  # Ctrl-C at the server misses it


def test_only_tasks_of_the_table_are_run(store: JobStore) -> None:
    with pytest.raises(InputError, match='The task "os:system" is not known'):
        store.submit("os:system", {})


def test_every_task_of_the_product_is_a_function() -> None:
    for place in TASKS.values():
        module, name = place.split(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_what_a_job_folder_says_cannot_change_what_runs(store: JobStore) -> None:
    job = store.submit(
        "count", {"total": 1, "pause": 0.0, "task": "crash", "function": "tests.support.job_tasks:crash"}
    )
    assert finish(job).state == "done"


def test_an_unknown_job_is_named(store: JobStore) -> None:
    with pytest.raises(InputError, match='There is no job "42"'):
        store.get("42")
