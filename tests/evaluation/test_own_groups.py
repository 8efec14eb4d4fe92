"""A person's own groups: kept on disk, measured, deleted."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import InputError
from neurontune_core.evaluation.own_groups import OwnGroups
from tests.support.projects import planted_head, planted_set


def test_own_groups_are_kept_measured_and_forgotten(tmp_path: Path) -> None:
    test, head = planted_set("test", 0.5), planted_head()
    groups = OwnGroups(tmp_path / "deep" / "own_groups.json")
    rows = np.array([3, 10, 11, 50])
    groups.add("  on   water ", test, rows, "drawn")
    again = OwnGroups(tmp_path / "deep" / "own_groups.json").all()
    assert [(group.name, group.origin, group.split) for group in again] == [("on water", "drawn", "test")]
    shuffled = test.take(np.random.default_rng(0).permutation(test.num_samples))
    right = head.predict(test.embeddings[rows]) == test.labels[rows]
    part = again[0].accuracy(head, shuffled)
    assert (part.correct, part.n) == (right.sum(), 4)
    groups.remove("on water")
    assert groups.all() == []


def test_bad_groups_are_refused_in_one_sentence(tmp_path: Path) -> None:
    test, file = planted_set("test", 0.5), tmp_path / "own_groups.json"
    groups = OwnGroups(file)
    groups.add("a", test, [1], "")
    for name, rows, sentence in ((" ", [1], "name of 1 to"), ("a", [1], "already"), ("b", [], "empty")):
        with pytest.raises(InputError, match=sentence):
            groups.add(name, test, rows, "")
    file.write_text('{"format": "neurontune-own-groups/1", "groups": [{"name": "x"}]}')
    with pytest.raises(InputError, match="does not hold groups"):
        groups.all()


def test_groups_that_several_sessions_make_at_once_are_all_kept(tmp_path: Path) -> None:
    test, file = planted_set("test", 0.5), tmp_path / "own_groups.json"
    OwnGroups(file).add("there before", test, [0], "")
    together = threading.Barrier(3)

    def session(writer: int) -> None:
        groups = OwnGroups(file)  # each session opens the project for itself
        together.wait()
        for number in range(20):
            groups.add(f"{writer}-{number}", test, [writer, number], "")
            if number % 2:
                groups.remove(f"{writer}-{number}")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(session, range(3)))
    expected = {"there before", *(f"{writer}-{number}" for writer in range(3) for number in range(0, 20, 2))}
    assert {group.name for group in OwnGroups(file).all()} == expected
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["own_groups.json"]


def test_a_process_waits_until_another_one_has_written_its_group(tmp_path: Path) -> None:
    file = tmp_path / "own_groups.json"
    code = f"""
from pathlib import Path
from neurontune_core.evaluation.own_groups import OwnGroups
from tests.support.projects import planted_set
groups, test = OwnGroups(Path({str(file)!r})), planted_set("test", 0.5)
print("ready", flush=True)
input()
for number in range(10):
    groups.add(f"theirs-{{number}}", test, [number], "")
"""
    root = Path(__file__).parents[2]
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    test, groups = planted_set("test", 0.5), OwnGroups(file)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    other.stdin.write("go\n")
    other.stdin.flush()
    for number in range(10):
        groups.add(f"ours-{number}", test, [number], "")
    assert other.wait(60) == 0
    other.stdin.close()
    other.stdout.close()
    assert len(groups.all()) == 20
