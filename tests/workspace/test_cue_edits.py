"""Cues in the journal and on disk: listed, masked, removed, undone; journals without them are read as before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurontune_core import InputError
from neurontune_core.cues.cue import Box, Cue, Picks, Pointed, Words
from neurontune_core.cues.library import CueLibrary
from neurontune_core.workspace import journal as journals
from neurontune_core.workspace.cue_edits import CueListed, CueMove, CueRenamed, CueSetting
from neurontune_core.workspace.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "verdicts.json")


def test_a_cue_is_listed_masked_and_undone_step_by_step(journal: Journal) -> None:
    journal.judge([3], "spurious")
    journal.list_cue("tag")
    journal.mask_cue(CueSetting("tag", 0.3))
    journal.mask_cue(None)
    states = [((), None), ((), None), (("tag",), None), (("tag",), CueSetting("tag", 0.3)), (("tag",), None)]
    for place in range(4, 0, -1):
        assert (journal.cues(), journal.cue_setting()) == states[place]
        assert journal.undo() is not None
    for place in range(1, 5):
        assert journal.redo() is not None
        assert (journal.cues(), journal.cue_setting()) == states[place]
    assert journal.verdicts() == {3: "spurious"}


def test_a_cue_that_is_removed_masks_nothing_until_that_is_undone(journal: Journal) -> None:
    journal.list_cue("tag")
    journal.mask_cue(CueSetting("tag", 0.3, "both"))
    journal.list_cue("tag", added=False)
    assert (journal.cues(), journal.cue_setting()) == ((), None)
    assert journal.undo() == CueListed("tag", False, journal_time(journal, -1))
    assert journal.cue_setting() == CueSetting("tag", 0.3, "both")


def test_a_new_name_keeps_the_place_in_the_list_and_in_the_mask_and_is_one_edit(journal: Journal) -> None:
    journal.list_cue("tag")
    journal.list_cue("hat")
    journal.mask_cue(CueSetting("tag", 0.3, "both"))
    journal.rename_cue("tag", "label")
    again = Journal(journal._file)
    assert again.cues() == ("label", "hat")
    assert again.cue_setting() == CueSetting("label", 0.3, "both")
    edit = again.undo()
    assert isinstance(edit, CueRenamed)
    assert (edit.name_before, edit.name_after) == ("tag", "label")
    assert again.cues() == ("tag", "hat")
    assert again.cue_setting() == CueSetting("tag", 0.3, "both")
    again.mask_cue(CueSetting("hat", 0.1))
    again.rename_cue("tag", "label")
    assert again.cue_setting() == CueSetting("hat", 0.1)


def test_a_library_copies_a_cue_with_its_cut_outs_and_measurements(tmp_path: Path) -> None:
    library = CueLibrary(tmp_path)
    tag = Cue("tag", (Pointed("val", "7", Box(0.5, 0.8, 0.4, 0.1)),))
    library.save(tag, [b"first", b"second"])
    (tmp_path / "tag" / "measured-a-b-100.npz").write_bytes(b"vectors")
    assert library.copy("tag", "label") == Cue("label", tag.definition)
    assert library.cutouts("label") == [b"first", b"second"]
    assert (tmp_path / "label" / "measured-a-b-100.npz").read_bytes() == b"vectors"
    assert library.load("tag") == tag  # for undo
    library.save(Cue("hat", Words(("hat",))))
    with pytest.raises(InputError, match='another cue "hat" already'):
        library.copy("tag", "hat")


def journal_time(journal: Journal, place: int) -> float:
    return float(json.loads(journal._file.read_text())["edits"][place]["at"])


def test_steps_of_the_slider_are_one_edit_and_another_source_is_another(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 100.0, 200.0, 200.5, 201.0, 201.5, 210.0])
    monkeypatch.setattr(journals.time, "time", lambda: next(now))
    journal.list_cue("tag")
    journal.mask_cue(CueSetting("tag", 0.3))
    for effect in (0.35, 0.4, 0.45):
        journal.mask_cue(CueSetting("tag", effect))
    assert journal.counts() == (3, 0)
    last = journal.last()
    assert isinstance(last, CueMove)
    assert (last.cue_before, last.cue_after) == (CueSetting("tag", 0.3), CueSetting("tag", 0.45))
    journal.mask_cue(CueSetting("tag", 0.45, "both"))
    assert journal.counts() == (4, 0)


def test_what_is_so_already_is_no_edit(journal: Journal) -> None:
    journal.list_cue("tag")
    journal.list_cue("tag")
    journal.mask_cue(None)
    assert journal.counts() == (1, 0)


def test_a_journal_of_before_is_read_and_keeps_its_edits(journal: Journal) -> None:
    content = {
        "format": "neurontune-verdicts/1",
        "applied": 2,
        "edits": [
            {"neurons": [7], "verdict": "core", "note": "", "at": 1.0, "by": ""},
            {"setting": "threshold", "before": 0.0, "after": 0.2, "at": 2.0, "by": ""},
        ],
    }
    journal._file.write_text(json.dumps(content))
    assert (journal.verdicts(), journal.settings(), journal.cues()) == ({7: "core"}, {"threshold": 0.2}, ())
    journal.list_cue("tag")
    assert json.loads(journal._file.read_text())["edits"][:2] == content["edits"]


@pytest.mark.parametrize(
    "edit",
    [
        {"cue": 3, "added": True},
        {"cue": "tag", "added": "yes"},
        {"cue_before": None, "cue_after": {"cue": "tag", "effect": -1, "source": "cue"}, "at": 0, "by": ""},
        {"cue_before": None, "cue_after": {"cue": "tag", "effect": 1, "source": "all"}, "at": 0, "by": ""},
        {"cue_before": None, "cue_after": None},
    ],
)
def test_a_damaged_edit_of_a_cue_is_a_sentence(journal: Journal, edit: dict) -> None:
    journal._file.write_text(json.dumps({"format": "neurontune-verdicts/1", "applied": 1, "edits": [edit]}))
    with pytest.raises(InputError, match="does not hold verdicts"):
        journal.cues()


@pytest.mark.parametrize(
    "definition",
    [
        (Pointed("val", "a.jpg", Box(0.5, 0.5, 0.2, 0.1), ((0.5, 0.5, 0.1),)),),
        Words(("room 7", "suite"), r"room \d+", 1.0, 0, "remove"),
        Picks("val", ("1", "2"), ("3",), ("happy, tag",)),
    ],
)
def test_a_cue_comes_back_from_disk_and_its_name_is_its_own(tmp_path: Path, definition: tuple | Words | Picks) -> None:
    library, cue = CueLibrary(tmp_path / "cues"), Cue("tag", definition, 0.1, 12.5, "me")
    library.save(cue, [b"png", b"png 2"])
    assert library.load("tag") == cue
    assert library.cutouts("tag") == [b"png", b"png 2"]
    library.save(cue)
    other = Cue("tag", Words(("other",)))
    with pytest.raises(InputError, match="another cue"):
        library.save(other)
    assert library.free_name("Tag") == "Tag-2"
    with pytest.raises(InputError, match="There is no cue"):
        library.load("../tag")
    (tmp_path / "cues" / "tag" / "cue.json").write_text('{"format": "neurontune-cue/1"}')
    with pytest.raises(InputError, match="does not describe a cue"):
        library.load("tag")
