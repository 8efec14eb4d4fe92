"""A retraining beside the screen: its result, its stop, its failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurontune_core import TuneConfig, neurontune
from neurontune_core.session.background_run import BackgroundRun
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import HALVES
from tests.support.projects import CORE, NEURONS, SHORTCUT, write_project

CONFIG = TuneConfig(epochs=4, batches=10, threshold=0.25)


@pytest.fixture
def diagnosis(tmp_path: Path) -> Diagnosis:
    write_project(tmp_path)
    return Diagnosis(Project.at(tmp_path))


def finished(live: BackgroundRun) -> BackgroundRun:
    live.wait(60)
    assert not live.running
    return live


def test_the_saved_run_is_what_the_core_gives(diagnosis: Diagnosis) -> None:
    live = finished(BackgroundRun(diagnosis, CONFIG, "train"))
    assert live.error == ""
    assert live.run is not None
    expected = neurontune(diagnosis.erm, diagnosis.identification, diagnosis.tuning, CONFIG)
    np.testing.assert_array_equal(live.run.head.weight, expected.head.weight)
    assert live.run.history == expected.history == tuple(live.histories["Retrained"])
    off = neurontune(
        diagnosis.erm, diagnosis.identification, diagnosis.tuning, TuneConfig(epochs=4, batches=10, masking=False)
    )
    np.testing.assert_array_equal(live.run.off_head.weight, off.head.weight)
    assert live.share == 1.0


def test_halves_never_identify_on_what_they_tune_on(diagnosis: Diagnosis) -> None:
    live = finished(BackgroundRun(diagnosis, CONFIG, HALVES))
    assert live.run is not None
    assert live.run.halves
    tuning, identification = diagnosis.identification.halves(CONFIG.seed)
    expected = neurontune(diagnosis.erm, identification, tuning, CONFIG)
    np.testing.assert_array_equal(live.run.head.weight, expected.head.weight)


def test_verdicts_hold_in_retraining(diagnosis: Diagnosis) -> None:
    diagnosis.project.journal.judge([CORE], "spurious")
    diagnosis.project.journal.judge([SHORTCUT], "core")
    live = finished(BackgroundRun(diagnosis, CONFIG, "train"))
    assert live.run is not None
    assert live.run.mask.biased[CORE]
    assert not live.run.mask.biased[SHORTCUT]


def test_a_run_keeps_the_verdicts_that_it_was_started_with(diagnosis: Diagnosis) -> None:
    journal = diagnosis.project.journal
    journal.judge([CORE], "core")
    run = BackgroundRun(diagnosis, TuneConfig(epochs=100_000, batches=20, threshold=0.25), "train")
    while not run.histories["Retrained"]:
        run.wait(0.01)
    journal.judge([CORE, NEURONS - 1], "spurious")  # while it works
    run.stop()
    finished(run)
    assert run.run is not None
    assert run.run.mask.verdicts == {CORE: "core"}
    assert not run.run.mask.biased[CORE]
    assert not run.run.mask.biased[NEURONS - 1]
    assert journal.verdicts() == {CORE: "spurious", NEURONS - 1: "spurious"}


def test_verdicts_on_neurons_that_the_model_does_not_have_are_not_stored_with_a_run(diagnosis: Diagnosis) -> None:
    diagnosis.project.journal.judge([SHORTCUT, NEURONS], "core")  # of a wider model that was extracted before
    run = finished(BackgroundRun(diagnosis, CONFIG, "train"))
    assert run.error == ""
    assert run.run is not None
    assert run.run.mask.verdicts == {SHORTCUT: "core"}


def test_a_stopped_run_keeps_what_it_reached_of_both_methods(diagnosis: Diagnosis) -> None:
    live = BackgroundRun(diagnosis, TuneConfig(epochs=100_000, batches=20, threshold=0.25), "train")
    while not live.histories["Retrained"]:
        live.wait(0.01)
    live.stop()
    finished(live)
    assert live.run is not None
    assert 1 <= len(live.run.history) < 100_000
    assert len(live.run.off_history) == 1


def test_a_failure_is_a_sentence_and_saves_nothing(diagnosis: Diagnosis) -> None:
    everything = TuneConfig(threshold=-1e9)
    live = finished(BackgroundRun(diagnosis, everything, "train"))
    assert "would be masked" in live.error
    assert live.run is None
    assert diagnosis.project.runs() == []


def test_a_folder_that_cannot_be_written_is_named(diagnosis: Diagnosis) -> None:
    diagnosis.project.folder.joinpath("runs").write_text("a file where the folder should be")
    live = finished(BackgroundRun(diagnosis, CONFIG, "train"))
    assert "could not be saved" in live.error
