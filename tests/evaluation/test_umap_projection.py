"""The UMAP map: near stays near, the same seed gives the same map, and a job leaves it where the screens look."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurontune_core import InputError
from neurontune_core.evaluation.umap_projection import make_map, read_map, umap_map
from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.workspace import Workspace
from tests.support.planted import write_project


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Five clouds in 60 dimensions, which no two axes hold apart."""
    rng = np.random.default_rng(0)
    middles = 6 * np.eye(60)[:5]
    return (middles[np.arange(240) % 5] + rng.normal(size=(240, 60))).astype(np.float32)


def test_clouds_stay_together_also_of_samples_placed_later_and_a_seed_repeats(vectors: np.ndarray) -> None:
    said: list[dict[str, Any]] = []
    placed = umap_map(vectors, lambda **news: said.append(news), fitted_on=200)
    distance = np.linalg.norm(placed[:, None] - placed[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argmin(axis=1)
    assert (nearest % 5 == np.arange(240) % 5).mean() > 0.95
    drawing = [news for news in said if news["message"] == "drawing, step by step"]
    assert drawing[-1]["done"] == drawing[-1]["total"]
    np.testing.assert_array_equal(umap_map(vectors, fitted_on=200), placed)


def test_too_few_samples_are_refused_in_words(vectors: np.ndarray) -> None:
    with pytest.raises(InputError, match="needs at least 10 samples, and there are 9"):
        umap_map(vectors[:9])


def test_a_map_belongs_to_its_vectors_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurontune_core.evaluation.umap_projection.umap_map", lambda vectors, report: vectors[:, :2])
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
