"""Judgments, undone and redone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurontune_core import InputError
from neurontune_core.workspace.journal import Journal, Judgment, Move, neurons_judged


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "deep" / "verdicts.json")


EDITS = st.tuples(st.lists(st.integers(0, 3), min_size=1), st.sampled_from(["spurious", "core", "unsure", None]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(EDITS, st.sampled_from(["undo", "redo"])), max_size=25))
def test_it_is_a_stack_of_whole_states(tmp_path: Path, steps: list) -> None:
    file = tmp_path / "verdicts.json"
    file.unlink(missing_ok=True)
    states, place = [{}], 0
    for step in steps:
        journal = Journal(file)  # each time as after a reload
        if step == "undo":
            place = max(0, place - 1)
            journal.undo()
        elif step == "redo":
            place = min(len(states) - 1, place + 1)
            journal.redo()
        else:
            neurons, verdict = step
            state = {**states[place], **dict.fromkeys(neurons, verdict)}
            states, place = [*states[: place + 1], state], place + 1
            journal.judge(neurons, verdict)
        assert Journal(file).verdicts() == {neuron: verdict for neuron, verdict in states[place].items() if verdict}
        assert Journal(file).counts() == (place, len(states) - 1 - place)


def test_a_hundred_and_fifty_edits_go_back_and_forth(journal: Journal) -> None:
    for neuron in range(150):
        journal.judge([neuron], "spurious")
    while journal.undo():
        pass
    assert journal.verdicts() == {}
    while journal.redo():
        pass
    assert len(journal.verdicts()) == 150
    assert journal.redo() is None


def test_verdicts_and_moves_are_one_history(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100, 10_000, 60))
    monkeypatch.setattr("neurontune_core.workspace.journal.time.time", lambda: next(clock))
    journal.move("threshold", 0.0, 0.2)
    journal.judge([4], "core")
    journal.move("mask_value", 0.0, 0.5)
    journal.move("threshold", 0.2, 0.3)
    values = {"threshold": 0.3, "mask_value": 0.5}
    edits = []
    while edit := journal.undo():
        edits.append(edit)
        if isinstance(edit, Move):
            assert values[edit.setting] == edit.after
            values[edit.setting] = edit.before
    assert values == {"threshold": 0.0, "mask_value": 0.0}
    assert [type(edit).__name__ for edit in edits] == ["Move", "Move", "Judgment", "Move"]
    assert journal.verdicts() == {}
    while edit := journal.redo():
        if isinstance(edit, Move):
            values[edit.setting] = edit.after
    assert values == {"threshold": 0.3, "mask_value": 0.5}
    assert journal.verdicts() == {4: "core"}


def test_the_steps_of_a_slider_are_one_move_and_a_move_to_and_fro_is_none(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("neurontune_core.workspace.journal.time.time", lambda: now[0])

    def move(setting: str, before: float, after: float, seconds: float = 0.5) -> None:
        now[0] += seconds
        journal.move(setting, before, after)

    for step in range(20):
        move("threshold", step / 10, (step + 1) / 10)
    assert journal.counts() == (1, 0)
    move("mask_value", 0.0, 0.5)
    move("mask_value", 0.5, 0.0)
    assert journal.counts() == (1, 0)
    move("threshold", 2.0, 1.0, seconds=60)
    assert journal.counts() == (2, 0)
    assert journal.undo() == Move("threshold", 2.0, 1.0, now[0])
    move("threshold", 2.0, 3.0, seconds=60)  # nothing is left to redo
    assert journal.counts() == (2, 0)


def test_moves_of_two_persons_within_a_second_stay_two_moves(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurontune_core.workspace.journal.time.time", lambda: 100.0)
    journal.move("threshold", 0.0, 0.1, by="Ada")
    journal.move("threshold", 0.1, 0.2, by="Ada")
    journal.move("threshold", 0.2, 0.3, by="Emmy")
    assert journal.undo() == Move("threshold", 0.2, 0.3, 100.0, "Emmy")
    assert journal.undo() == Move("threshold", 0.0, 0.2, 100.0, "Ada")
    assert journal.undo() is None


def test_steps_that_are_further_apart_than_a_second_and_a_half_are_two_moves(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 101.4, 102.9])
    monkeypatch.setattr("neurontune_core.workspace.journal.time.time", lambda: next(clock))
    for step in range(3):
        journal.move("mask_value", step / 10, (step + 1) / 10)
    assert journal.counts() == (2, 0)


@pytest.mark.long
def test_a_slow_server_does_not_split_a_move(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("neurontune_core.workspace.journal.time.time", lambda: now[0])
    journal.move("threshold", 0.0, 0.1)
    now[0] = 110.0  # the screen took nine seconds to show the first step
    journal.move("threshold", 0.1, 0.2, shown_at=109.0)
    assert journal.counts() == (1, 0)
    now[0] = 115.0
    journal.move("threshold", 0.2, 0.3, shown_at=112.0)
    assert journal.counts() == (2, 0)
    assert journal.undo() == Move("threshold", 0.2, 0.3, 115.0)
    assert journal.undo() == Move("threshold", 0.0, 0.2, 110.0)


@pytest.mark.long
def test_verdicts_outlive_any_number_of_moves(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**9, 60))
    monkeypatch.setattr("neurontune_core.workspace.journal.time.time", lambda: next(clock))
    journal.judge([3], "core")
    for step in range(520):
        journal.move("threshold", step, step + 1)
    assert journal.verdicts() == {3: "core"}
    assert 500 <= journal.counts()[0] <= 502


def test_undo_returns_what_was_undone(journal: Journal) -> None:
    journal.judge([4], "core", "the beak", by="Ada")
    assert journal.current()[4].note == "the beak"
    undone = journal.undo()
    assert undone is not None
    assert isinstance(undone, Judgment)
    assert (undone.neurons, undone.verdict, undone.by) == ((4,), "core", "Ada")
    assert journal.undo() is None


def test_a_note_alone_is_kept_and_masks_nothing(journal: Journal) -> None:
    journal.judge([7], None, "look again")
    assert journal.current()[7].note == "look again"
    assert journal.verdicts() == {}


@pytest.mark.parametrize(
    "content",
    [
        '{"1": "core"}',
        "[]",
        json.dumps({"format": "neurontune-verdicts/1", "edits": [], "applied": 3}),
        json.dumps(
            {"format": "neurontune-verdicts/1", "applied": 1, "edits": [{"neurons": [1], "verdict": "<script>"}]}
        ),
        json.dumps({"format": "neurontune-verdicts/1", "applied": 1, "edits": [{"neurons": ["x"], "verdict": None}]}),
        json.dumps({"format": "neurontune-verdicts/1", "applied": 1, "edits": [{"color": 1, "neurons": []}]}),
        '{"format": "neurontune-verdicts/1", "applied": 1, "edits": [{"setting": "bias", "before": 0, "after": 1}]}',
        '{"format": "neurontune-verdicts/1", "applied": 1, "edits": [{"setting": "threshold", "before": 0}]}',
        '{"format": "neurontune-verdicts/1", "applied": 1, "edits": '
        '[{"setting": "threshold", "before": 0, "after": NaN}]}',
    ],
)
def test_a_damaged_journal_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "verdicts.json"
    file.write_text(content)
    for use in (Journal(file).verdicts, lambda: Journal(file).judge([0], "core")):
        with pytest.raises(InputError, match="does not hold verdicts"):
            use()
    assert file.read_text() == content


def test_an_unknown_verdict_is_refused(journal: Journal) -> None:
    with pytest.raises(InputError, match="no verdict"):
        journal.judge([0], "maybe")


def test_verdicts_become_one_boolean_a_neuron() -> None:
    verdicts = {0: "core", 2: "spurious", 3: "unsure"}
    assert neurons_judged(verdicts, "core", 4).tolist() == [True, False, False, False]
    assert neurons_judged(verdicts, "spurious", 4).tolist() == [False, False, True, False]
    assert neurons_judged({}, "core", 2).tolist() == [False, False]
    for verdicts in ({4: "core"}, {4: "unsure"}, {-1: "core"}):
        with pytest.raises(InputError, match="but there are 4 neurons"):
            neurons_judged(verdicts, "spurious", 4)


def test_a_chosen_head_is_an_edit_among_the_others(journal: Journal) -> None:
    journal.judge([3], "core")
    journal.choose("retrained", "advised")
    journal.choose("advised", "advised")  # nothing new
    assert journal.counts() == (2, 0)
    choice = journal.choice()
    assert choice is not None
    assert (choice.head_before, choice.head_after) == ("retrained", "advised")
    assert journal.undo() == choice == journal.redo()
    journal.undo()
    assert journal.choice() is None
    assert journal.verdicts() == {3: "core"}
    journal.judge([4], "core")
    assert journal.redo() is None


@pytest.mark.long
def test_the_settings_are_where_the_last_moves_left_them_however_many_edits_follow(journal: Journal) -> None:
    assert journal.settings() == {}
    journal.move("threshold", 0.0, 0.3)
    journal.move("mask_value", 0.0, 0.5)
    for number in range(510):
        journal.choose(str(number), str(number + 1))
    assert journal.settings() == {"threshold": 0.3, "mask_value": 0.5}
    assert journal.counts()[0] <= 502


@pytest.mark.parametrize("edit", [{"head_before": 1, "head_after": "mask"}, {"head_after": "mask"}])
def test_a_damaged_choice_is_said(journal: Journal, tmp_path: Path, edit: dict) -> None:
    journal.choose("trained", "mask")
    file = tmp_path / "deep" / "verdicts.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"edits": [edit]}))
    with pytest.raises(InputError, match="does not hold verdicts"):
        journal.verdicts()
