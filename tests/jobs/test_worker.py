"""What a job's process writes of itself: every new stage at once, steps now and then, and nothing after the end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neurontune_core.jobs import worker
from tests.support.paths import ROOT


def written(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "status.json").read_text())


@pytest.mark.parametrize("final", ["done", "failed", "cancelled"])
def test_nothing_replaces_a_final_state(tmp_path: Path, final: str) -> None:
    status = worker._Status(tmp_path)
    status(done=3, total=3)
    status.write(final, result={"counted": 3})
    before = written(tmp_path)
    assert (before["state"], before["result"]) == (final, {"counted": 3})
    status.write("cancelled")  # as the thread does that waits for a cancellation
    status(done=4, total=5, message="late")
    assert written(tmp_path) == before


def test_a_new_stage_is_written_at_once_and_steps_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_SECONDS_BETWEEN_WRITES", 1e9)
    status = worker._Status(tmp_path)
    status(done=0, total=10, split="train")
    assert (written(tmp_path)["message"], written(tmp_path)["total"]) == ("split train", 10)
    status(done=1, split="train")
    assert written(tmp_path)["done"] == 0
    status(done=2, split="val")
    assert (written(tmp_path)["done"], written(tmp_path)["message"]) == (2, "split val")
    monkeypatch.setattr(worker, "_SECONDS_BETWEEN_WRITES", 0.0)
    status(done=3)
    assert written(tmp_path) == {"state": "running", "done": 3, "total": 10, "rate": 0.0, "message": "split val"}


def test_a_report_of_a_cancelled_job_stops_it_after_it_was_written(tmp_path: Path) -> None:
    status = worker._Status(tmp_path)
    status(done=1, total=2)
    (tmp_path / "cancel").touch()
    with pytest.raises(worker.JobCancelled):
        status(done=2, message="the end")
    assert (written(tmp_path)["done"], written(tmp_path)["message"]) == (2, "the end")


@pytest.mark.parametrize(
    ("task", "state", "code"), [("count", "done", 0), ("refuse", "failed", 1), ("crash", "failed", 1)]
)
def test_the_exit_code_says_whether_the_job_failed(tmp_path: Path, task: str, state: str, code: int) -> None:
    folder = tmp_path / "1-abc"
    folder.mkdir()
    content = {"task": task, "title": "A job", "config": {"total": 1, "pause": 0}, "created": 1.0}
    (folder / "config.json").write_text(json.dumps(content))
    command = [sys.executable, "-m", "neurontune_core.jobs.worker", str(folder), f"tests.support.job_tasks:{task}"]
    ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert (ended.returncode, written(folder)["state"]) == (code, state)
