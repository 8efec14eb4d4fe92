"""Two projects with the same vectors on a split: what was started for one is not taken for the other's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.workspace import Workspace
from tests.support.pages import opened
from tests.support.projects import write_project


def test_the_map_of_one_is_computed_although_the_others_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    workspace = Workspace(tmp_path)
    for name in ("birds", "fish"):
        write_project(workspace.new_folder(name))
    birds, fish = (workspace.open(name) for name in ("birds", "fish"))
    fingerprint = birds.load_set("evaluation").fingerprint
    assert fish.load_set("evaluation").fingerprint == fingerprint
    under_way = SimpleNamespace(task="umap", config={"folder": str(birds.folder), "fingerprint": fingerprint})
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(JobStore, "list", lambda _: [under_way])
    monkeypatch.setattr(JobStore, "submit", lambda _, task, config, *, title="": asked.append(config))
    shown = opened("fish", "groups")
    next(group for group in shown.get("button_group") if group.key == "map_kind").select("UMAP").run()
    assert not shown.exception
    assert [config["folder"] for config in asked] == [str(fish.folder)]
