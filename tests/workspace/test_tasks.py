"""The task that makes a project's map: in a job, kept by the vectors' fingerprint."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from neurontune_core.evaluation.umap_projection import read_map
from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.tasks import make_map
from neurontune_core.workspace.workspace import Workspace
from tests.support.projects import write_project


def test_a_map_belongs_to_its_vectors_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurontune_core.workspace.tasks.umap_map", lambda vectors, report: vectors[:, :2])
    sets = write_project(Workspace(tmp_path).new_folder("birds"))
    project = Workspace(tmp_path).open("birds")
    make_map({"source": str(project.source), "folder": str(project.folder), "split": "test"}, lambda **_: None)
    test, val = project.load_set("test"), project.load_set("val")
    np.testing.assert_array_equal(read_map(project.umap_file(test), 240), sets["test"].embeddings[:, :2])
    assert read_map(project.umap_file(val), 240) is None
    assert read_map(project.umap_file(test), 239) is None
    assert test.take(np.arange(200)).fingerprint != test.fingerprint
    assert test.take(np.arange(240)).fingerprint == test.fingerprint
    project.umap_file(test).write_bytes(b"nothing")
    assert read_map(project.umap_file(test), 240) is None


def test_the_job_can_be_cancelled(tmp_path: Path) -> None:
    write_project(Workspace(tmp_path).new_folder("birds"))
    project = Workspace(tmp_path).open("birds")
    config = {"source": str(project.source), "folder": str(project.folder), "split": "test"}
    job = JobStore(tmp_path / "jobs").submit("umap", config)
    end = time.monotonic() + 60
    while job.status().state == "queued":
        assert time.monotonic() < end
        time.sleep(0.05)
    job.cancel()
    while not job.status().finished:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert job.status().state == "cancelled"
    assert not (project.folder / "maps").exists()
