"""A person's own groups: kept on disk, measured, deleted."""

from __future__ import annotations

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
