"""The heads of a project under one name each, and the verdicts that bind every one of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import InputError, LinearHead, TuneConfig
from neurontune_core.export.bundle import export_bundle
from neurontune_core.files import read_json, write_json
from neurontune_core.mask import Mask
from neurontune_core.session.background_run import BackgroundAdvice, BackgroundRun
from neurontune_core.session.bundle_facts import bundle_facts
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.named_heads import NAMES, available, named_head, usual
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run
from neurontune_core.workspace.workspace import Workspace
from tests.support.projects import CORE, NEURONS, SHORTCUT, planted_set, write_project

CONFIG = TuneConfig(epochs=3, batches=10, threshold=0.25, seed=2)
OTHER = NEURONS - 1


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_project(Workspace(tmp_path).new_folder("birds"))
    return Workspace(tmp_path).open("birds")


def retrain(project: Project, config: TuneConfig = CONFIG, advise: bool = True) -> Run:
    live = BackgroundRun(Diagnosis(project), config, "train")
    live.wait(60)
    assert live.run is not None, live.error
    if advise:
        asked = BackgroundAdvice(Diagnosis(project), live.run)
        asked.wait(120)
        assert asked.error == ""
    return live.run


def test_the_mask_alone_of_stable_neurons_is_exported_and_says_so(project: Project, tmp_path: Path) -> None:
    diagnosis = Diagnosis(project)
    stable = diagnosis.masked_neurons(0.0, 2.0)
    assert 0 < stable.sum() < diagnosis.masked_neurons(0.0).sum()
    named = named_head(diagnosis, "mask", stability=2.0)
    export_bundle(tmp_path / "out", bundle_facts(diagnosis, named, diagnosis.samples("evaluation")))
    mask = json.loads((tmp_path / "out" / "mask.json").read_text())
    assert mask["biased"] == np.flatnonzero(stable).tolist()
    assert "above λ by 2 standard errors" in mask["explanation"]
    assert mask["source"]["stability"] == 2.0
    weight = LinearHead.load(tmp_path / "out" / "head.safetensors").weight
    assert np.array_equal(weight, np.where(stable, 0, diagnosis.erm.weight))
    assert diagnosis.erm.weight[:, stable].any()
    assert "stability" not in named_head(diagnosis, "mask").mask.source


def exported(project: Project, key: str, folder: Path, run: Run | None = None) -> tuple[LinearHead, dict]:
    """Export a head, and return it and mask.json as the files have them."""
    diagnosis = Diagnosis(project)
    named = named_head(diagnosis, key, run=run, threshold=CONFIG.threshold)  # type: ignore[arg-type]
    export_bundle(folder, bundle_facts(diagnosis, named, diagnosis.samples("evaluation")))
    return LinearHead.load(folder / "head.safetensors"), json.loads((folder / "mask.json").read_text())


@pytest.mark.parametrize("mask_value", [0.0, 0.5])
@pytest.mark.parametrize("key", [key for key in NAMES if key != "trained"])
def test_verdicts_reach_every_exported_head(project: Project, tmp_path: Path, key: str, mask_value: float) -> None:
    project.journal.judge([OTHER], "spurious")
    project.journal.judge([SHORTCUT], "core")
    run = retrain(project, replace(CONFIG, mask_value=mask_value)) if key != "mask" else None
    head, mask = exported(project, key, tmp_path / "out", run)
    assert mask["verdicts"] == {str(OTHER): "spurious", str(SHORTCUT): "core"}
    assert OTHER in mask["biased"]
    assert SHORTCUT not in mask["biased"]
    assert head.weight[:, SHORTCUT].any()
    if mask_value == 0 or key == "mask":
        assert not head.weight[:, OTHER].any()
    of_neuron = {row["neuron"]: row for row in mask["neurons"]}
    assert "judged spurious" in of_neuron[OTHER]["reasons"]
    assert (of_neuron[SHORTCUT]["masked"], of_neuron[SHORTCUT]["reasons"]) == (False, ["judged core"])
    if key == "masking-off":
        assert mask["biased"] == [OTHER]


def test_the_trained_head_is_exported_as_it_came(project: Project, tmp_path: Path) -> None:
    project.journal.judge([SHORTCUT], "spurious")
    head, mask = exported(project, "trained", tmp_path / "out")
    np.testing.assert_array_equal(head.weight, project.load_head().weight)
    assert (mask["biased"], mask["explanation"]) == ([], "The head as it was trained: nothing is masked.")
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    assert card.startswith("# Land or water?: trained head\n")
    assert "nothing was retrained" in card


def test_the_mask_alone_holds_the_scores_behind_it(project: Project, tmp_path: Path) -> None:
    project.journal.judge([OTHER], "spurious")
    head, mask = exported(project, "mask", tmp_path / "out")
    val, erm = project.load_set("val"), project.load_head()
    right = (val.embeddings @ erm.weight.T + erm.bias).argmax(axis=1) == val.labels
    delta = np.array(
        [
            np.median(np.abs(val.embeddings[(val.labels == label) & ~right]), axis=0)
            - np.median(np.abs(val.embeddings[(val.labels == label) & right]), axis=0)
            for label in (0, 1)
        ]
    )
    by_score = set(np.flatnonzero((delta > CONFIG.threshold).any(axis=0)).tolist())
    assert by_score
    assert set(mask["biased"]) == by_score | {OTHER}
    for row in mask["neurons"]:
        expected = {name: delta[label, row["neuron"]] for label, name in enumerate(val.class_names)}
        assert row["scores"] == pytest.approx(expected, abs=1e-5)
        assert ("score" in row["reasons"]) == (row["neuron"] in by_score)
    keep = np.array([neuron not in mask["biased"] for neuron in range(NEURONS)])
    np.testing.assert_allclose(head.weight, erm.weight * keep)
    assert Mask.load(tmp_path / "out" / "mask.json").reasons(OTHER)[-1] == "judged spurious"


def test_a_neuron_judged_after_the_retraining_is_masked_in_its_heads_too(project: Project) -> None:
    project.journal.judge([CORE], "core")
    run = retrain(project)
    project.journal.judge([OTHER], "spurious")
    diagnosis = Diagnosis(project)
    assert not run.mask.biased[OTHER]
    for key in ("masking-off", "retrained", "advised"):
        named = named_head(diagnosis, key, run=run)  # type: ignore[arg-type]
        assert named.mask.biased[OTHER]
        assert not named.head.weight[:, OTHER].any()
        assert named.notes[0].startswith(f"Neuron {OTHER} was judged spurious after the retraining")
    before = {"masking-off": run.off_head, "retrained": run.head}
    others = np.arange(NEURONS) != OTHER
    for key, head in before.items():
        weight = named_head(diagnosis, key, run=run).head.weight  # type: ignore[arg-type]
        np.testing.assert_array_equal(weight[:, others], head.weight[:, others])


def test_a_verdict_that_a_head_cannot_hold_without_retraining_is_said(project: Project) -> None:
    project.journal.judge([OTHER, CORE], "spurious")
    run = retrain(project, replace(CONFIG, rounds="once"), advise=False)
    project.journal.judge([SHORTCUT], "core")
    project.journal.judge([OTHER], None)
    assert run.mask.biased[SHORTCUT]
    named = named_head(Diagnosis(project), "retrained", run=run)
    assert len(named.notes) == 2
    assert named.notes[0].startswith(f"Neuron {SHORTCUT} was judged core, but masked")
    assert named.notes[1].startswith(f"Neuron {OTHER} was judged spurious when this head was retrained, and no more")
    assert named.mask.verdicts == {CORE: "spurious", OTHER: "spurious", SHORTCUT: "core"}
    assert named.mask.reasons(SHORTCUT) == ("score",)


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda journal: journal.judge([CORE], "core"), "No neuron is masked (λ 1000"),
        (lambda journal: journal.judge(list(range(NEURONS)), "spurious"), f"All {NEURONS} neurons are masked"),
    ],
)
def test_a_mask_of_nothing_or_of_everything_is_not_exported(project: Project, prepare: Callable, sentence: str) -> None:
    prepare(project.journal)
    diagnosis = Diagnosis(project)
    named = named_head(diagnosis, "mask", threshold=1000.0)
    with pytest.raises(InputError) as error:
        bundle_facts(diagnosis, named, diagnosis.samples("evaluation"))
    assert str(error.value).startswith(sentence)


def test_a_run_of_an_earlier_extraction_offers_no_head(project: Project) -> None:
    run = retrain(project, advise=False)
    assert available(Diagnosis(project), run) == ("trained", "mask", "masking-off", "retrained")
    planted_set("val", 0.5, seed=5).save(project.set_folder("val"))
    again = Diagnosis(project)
    assert available(again, run) == ("trained", "mask")
    with pytest.raises(InputError, match=f"Run {run.id} was made from an earlier extraction"):
        named_head(again, "retrained", run=run)


def test_a_session_begins_with_what_was_decided_last(project: Project) -> None:
    diagnosis = Diagnosis(project)
    assert usual(diagnosis, None) == "trained"
    project.journal.judge([OTHER], "spurious")
    assert usual(diagnosis, None) == "mask"
    run = retrain(project)
    assert usual(diagnosis, run) == "retrained"
    project.journal.choose("retrained", "advised")
    assert usual(diagnosis, run) == "advised"
    project.journal.undo()
    assert usual(diagnosis, run) == "retrained"
    project.journal.redo()
    newer = retrain(project, advise=False)
    assert usual(diagnosis, newer) == "retrained"  # what was asked for last


def test_the_advised_head_has_exactly_the_masked_neurons_of_the_advice(project: Project) -> None:
    run = retrain(project)
    content = read_json(run.folder / "advice.json")
    write_json(run.folder / "advice.json", content | {"masked": [0, 4]})
    named = named_head(Diagnosis(project), "advised", run=run)
    assert np.flatnonzero(named.mask.biased).tolist() == [0, 4]
    np.testing.assert_array_equal(named.head.weight, LinearHead.load(run.folder / "advised.safetensors").weight)


def test_a_head_that_does_not_exist_yet_is_named_with_what_makes_it(project: Project) -> None:
    with pytest.raises(InputError, match="nothing is retrained in this project; press Retrain first"):
        named_head(Diagnosis(project), "retrained")
    run = retrain(project, advise=False)
    with pytest.raises(InputError, match=f"The adviser was not asked about run {run.id}"):
        named_head(Diagnosis(project), "advised", run=run)
