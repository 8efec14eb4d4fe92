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


@pytest.mark.long
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
    assert "ended without a result" in status.error
    assert finish(store.submit("count", {"total": 1, "pause": 0.0})).state == "done"


def test_a_reused_pid_is_not_taken_for_the_job(store: JobStore) -> None:
    job = store.submit("count", {"total": 10_000, "pause": 0.05})
    wait_for(job, lambda status: status.state == "running")
    born = json.loads((job.folder / "process.json").read_text())
    os.kill(born["pid"], signal.SIGKILL)
    (job.folder / "process.json").write_text(json.dumps(born | {"pid": os.getpid()}))
    assert job.status().state == "lost"
    job.cancel()  # and this process is not terminated for it


@pytest.mark.long
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


DAMAGE = {
    "an empty file": "",
    "half a file": '{"state": "run',
    "no object": "[1, 2]",
    "another state": '{"state": "paused"}',
    "no state": '{"done": 1}',
    "an unknown field": '{"state": "running", "color": "red"}',
    "a word for a number": '{"state": "running", "done": "many", "total": 3, "rate": 1.0}',
    "nothing for a number": '{"state": "done", "total": null}',
    "not text": "\udcff",
}


@pytest.mark.long
@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_status_is_that_jobs_alone_and_the_queue_goes_on(store: JobStore, content: str) -> None:
    damaged = store.submit("count", {"total": 1, "pause": 0.0})
    finish(damaged)
    (damaged.folder / "status.json").write_bytes(content.encode(errors="surrogateescape"))
    later = store.submit("count", {"total": 1, "pause": 0.0})
    assert finish(later).state == "done"
    status = wait_for(store.get(damaged.id), lambda status: status.finished)
    assert status.state == "lost"
    assert str(damaged.folder / "status.json") in status.error
    assert f"start the job again and delete {damaged.folder}" in status.error
    damaged.cancel()  # nothing is left to cancel
    assert [job.id for job in store.list()] == [later.id, damaged.id]


def test_a_status_that_is_missing_or_a_folder_blocks_nothing_either(store: JobStore) -> None:
    for make in (lambda file: None, Path.mkdir):
        damaged = store.submit("count", {"total": 1, "pause": 0.0})
        finish(damaged)
        (damaged.folder / "status.json").unlink()
        make(damaged.folder / "status.json")
        wait_for(damaged, lambda status: status.state == "lost")  # as soon as its process has ended
    assert finish(store.submit("count", {"total": 1, "pause": 0.0})).state == "done"


@pytest.mark.long
@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"task": "count"}',
        '{"task": "count", "title": "Counting", "config": "none", "created": 0}',
        '{"task": "count", "title": "Counting", "config": {}, "created": 1e99}',
    ],
)
def test_a_damaged_config_is_set_aside_and_said(store: JobStore, content: str) -> None:
    damaged = store.submit("count", {"total": 1, "pause": 0.0})
    finish(damaged)
    (damaged.folder / "config.json").write_text(content)
    assert store.list() == []
    (sentence,) = store.damaged()
    assert str(damaged.folder / "config.json") in sentence
    assert "delete its folder and start the job again" in sentence
    assert finish(store.submit("count", {"total": 1, "pause": 0.0})).state == "done"


@pytest.mark.long
@pytest.mark.parametrize("content", ["{", "[]", '{"pid": "x", "created": 0}', '{"pid": -1, "created": 0}'])
def test_without_a_process_to_ask_a_job_that_had_not_finished_is_lost(store: JobStore, content: str) -> None:
    job = store.submit("count", {"total": 1, "pause": 0.0})
    finish(job)
    assert job.status().state == "done"
    (job.folder / "process.json").write_text(content)
    assert job.status().state == "done"
    (job.folder / "status.json").write_text('{"state": "running", "done": 1, "total": 3, "rate": 1.0}')
    assert job.status().state == "lost"
    assert finish(store.submit("count", {"total": 1, "pause": 0.0})).state == "done"


def test_a_damaged_status_of_a_live_job_is_replaced_by_its_next_report(store: JobStore) -> None:
    job = store.submit("count", {"total": 10_000, "pause": 0.5})
    wait_for(job, lambda status: status.done > 0)
    (job.folder / "status.json").write_text("{")
    assert job.status().state == "running"
    assert wait_for(job, lambda status: status.done > 1).state == "running"
    (job.folder / "status.json").write_text("{")
    job.cancel()
    assert wait_for(job, lambda status: status.finished, seconds=1.0).state == "cancelled"


def test_a_log_that_was_deleted_is_empty(store: JobStore) -> None:
    job = store.submit("count", {"total": 1, "pause": 0.0})
    finish(job)
    (job.folder / "log.txt").unlink()
    assert job.log() == ""


def test_the_newest_job_is_listed_first(store: JobStore) -> None:
    for number in (2, 3, 1):
        folder = store.root / f"{number}00-abc"
        folder.mkdir()
        # The time is a whole number, as one of JSON may be.
        content = {"task": "count", "title": f"job {number}", "config": {}, "created": number}
        (folder / "config.json").write_text(json.dumps(content))
    assert [job.title for job in store.list()] == ["job 3", "job 2", "job 1"]
    assert store.get("200-abc").title == "job 2"
