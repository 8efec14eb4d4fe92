"""The run of an advised head: its mask is what the adviser masked, with the settings of the run it was asked about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from neurontune_core import TuneConfig, neurontune
from neurontune_core.advise import advise
from neurontune_core.advise.storage import save_advice
from neurontune_core.export.card import TunedRun, model_card
from neurontune_core.workspace.workspace import Workspace
from tests.support.projects import CORE, SHORTCUT, write_project

PARTIAL = TuneConfig(epochs=4, batches=10, threshold=0.1, rounds="once", mask_value=0.5)


def test_the_mask_of_an_advised_run_holds_the_neurons_that_a_partial_mask_scaled(tmp_path: Path) -> None:
    write_project(Workspace(tmp_path).new_folder("birds"))
    project = Workspace(tmp_path).open("birds")
    project.journal.judge([CORE], "core")
    project.journal.judge([SHORTCUT], "spurious")
    sets = [project.load_set(role) for role in ("identification", "tuning")]
    tuned, off = (
        neurontune(project.load_head(), *sets, replace(PARTIAL, masking=masking)) for masking in (True, False)
    )
    run = project.save_run(tuned, off, "train", project.journal.verdicts())
    always, never = (np.arange(12) == neuron for neuron in (SHORTCUT, CORE))
    advice = replace(advise(project.load_head(), *sets, PARTIAL, always=always, never=never), chosen="neurontune")
    save_advice(advice, run.folder)
    taken = project.take_advice(run)
    masks = [member.biased for member in advice.candidate.members]
    expected = masks[0] & masks[1]
    assert expected[SHORTCUT]
    np.testing.assert_array_equal(taken.mask.biased, expected)
    assert (taken.mask.threshold, taken.mask.mask_value) == (0.1, 0.5)
    assert taken.mask.verdicts == {CORE: "core", SHORTCUT: "spurious"}
    test = project.load_set("evaluation")
    card = model_card(
        TunedRun(project.load_head(), taken.head, taken.mask, taken.config, test, masking_off=taken.off_head), {}
    )
    assert f"{expected.sum()} of 12" in card
