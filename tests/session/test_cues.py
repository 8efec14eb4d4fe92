"""A cue in an open project: measured, masked, undone, in every head that it reaches, in runs and in exported files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurontune_core import InputError, TuneConfig, evaluate
from neurontune_core.cues.cue import Box, Picks, Pointed, Words
from neurontune_core.cues.proof import prove
from neurontune_core.export.bundle import export_bundle
from neurontune_core.identification.ranking import CUE
from neurontune_core.session.background_run import BackgroundRun
from neurontune_core.session.bundle_facts import bundle_facts
from neurontune_core.session.cue_pictures import CuePictures
from neurontune_core.session.cue_work import CueWork, make_box_cue, make_samples_cue, make_words_cue, rename_cue
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.session.named_heads import available, named_head
from neurontune_core.workspace.cue_edits import CueSetting
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import EXAMPLES, Workspace
from tests.support.projects import CORE, NEURONS, SHORTCUT, write_project

CONFIG = TuneConfig(epochs=3, batches=10, threshold=0.25, seed=2)
OTHER = NEURONS - 1


@pytest.fixture
def diagnosis(tmp_path: Path) -> Diagnosis:
    write_project(Workspace(tmp_path).new_folder("birds"))
    return Diagnosis(Workspace(tmp_path).open("birds"))


def masked_cue(diagnosis: Diagnosis, source: str = "cue", effect: float = 1.0) -> None:
    """Pick samples on water, whatever the bird, and mask what responds to that."""
    samples = diagnosis.identification
    assert samples.groups is not None
    water, ids = samples.groups % 2 == 1, samples.sample_ids.astype(str)
    make_samples_cue(diagnosis, "water", Picks("val", tuple(ids[water]), tuple(ids[~water])))
    diagnosis.project.journal.mask_cue(CueSetting("water", effect, source))  # type: ignore[arg-type]


def test_picked_samples_find_the_planted_neuron_and_the_mask_is_that_alone(diagnosis: Diagnosis) -> None:
    assert diagnosis.shown_cue() is None
    assert CUE not in diagnosis.orders
    masked_cue(diagnosis)
    samples, measured = diagnosis.identification, diagnosis.shown_cue()
    assert measured is not None
    vectors, labels, water = np.asarray(samples.embeddings, float), samples.labels, samples.groups % 2 == 1  # type: ignore[operator]
    differences = [
        vectors[water & (labels == label)].mean(axis=0) - vectors[~water & (labels == label)].mean(axis=0)
        for label in (0, 1)
    ]
    np.testing.assert_allclose(measured.effects, np.mean(differences, axis=0) / vectors.std(axis=0), rtol=1e-4)
    assert np.flatnonzero(diagnosis.masked_neurons(0.0)).tolist() == [SHORTCUT]
    assert diagnosis.ranking(CUE).first == SHORTCUT
    assert CUE in diagnosis.orders
    proof = prove(measured, diagnosis.erm)
    assert (proof.pairs, proof.changed, proof.control_changed) == (0, None, None)
    assert "different samples" in proof.sentence


def test_a_renamed_cue_is_masked_and_measured_as_before(diagnosis: Diagnosis) -> None:
    masked_cue(diagnosis)
    before = diagnosis.masked_neurons(0.0)
    assert rename_cue(diagnosis, "water", "lake").name == "lake"
    assert diagnosis.project.journal.cues() == ("lake",)
    measured, mask = diagnosis.shown_cue(), diagnosis.cue_mask()
    assert measured is not None
    assert measured.cue.name == "lake"
    assert mask is not None
    assert mask.name == "lake"
    np.testing.assert_array_equal(diagnosis.masked_neurons(0.0), before)
    ids = tuple(diagnosis.identification.sample_ids.astype(str)[:9])
    make_samples_cue(diagnosis, "hill", Picks("val", ids))
    for name, problem in (("lake", 'another cue "lake" already'), ("../out", "name")):
        with pytest.raises(InputError, match=problem):
            rename_cue(diagnosis, "hill", name)
    assert diagnosis.project.journal.cues() == ("lake", "hill")


def test_score_cue_and_verdicts_are_one_rule_in_every_place(diagnosis: Diagnosis) -> None:
    journal = diagnosis.project.journal
    masked_cue(diagnosis, "both")
    journal.judge([OTHER], "spurious")
    journal.judge([CORE], "core")
    expected = diagnosis.scores.delta.max(axis=0) > CONFIG.threshold
    expected[[SHORTCUT, OTHER]], expected[CORE] = True, False
    assert expected.sum() < NEURONS
    np.testing.assert_array_equal(diagnosis.masked_neurons(CONFIG.threshold), expected)
    named = named_head(diagnosis, "mask", threshold=CONFIG.threshold)
    np.testing.assert_array_equal(named.mask.biased, expected)
    np.testing.assert_array_equal(named.head.weight, diagnosis.erm.weight * ~expected)
    split = MeasuredSplit(diagnosis.project, diagnosis.erm, diagnosis.samples("test"))
    always, never = (diagnosis.judged(verdict) for verdict in ("spurious", "core"))
    rule = {"always": always, "never": never, "cue": diagnosis.cue_mask()}
    strip = split.mask_alone(diagnosis.scores.neuron_scores, CONFIG.threshold, 0.0, **rule)
    assert strip == evaluate(named.head, diagnosis.samples("test"))
    run = BackgroundRun(diagnosis, CONFIG, "train")
    run.wait(60)
    assert run.run is not None, run.error
    assert run.run.mask.biased[[SHORTCUT, OTHER]].all()
    assert not run.run.mask.biased[CORE]
    assert (run.run.off_head.weight[:, OTHER] == 0).all()  # no masking still holds the verdict
    assert (run.run.off_head.weight[:, SHORTCUT] != 0).any()  # and nothing of the cue


def test_a_retraining_by_cue_masks_exactly_its_neurons_and_the_files_say_why(
    diagnosis: Diagnosis, tmp_path: Path
) -> None:
    masked_cue(diagnosis)
    live = BackgroundRun(diagnosis, CONFIG, "train")
    live.wait(60)
    assert live.run is not None, live.error
    run = diagnosis.project.run(live.run.id)
    assert np.flatnonzero(run.mask.biased).tolist() == [SHORTCUT]
    assert (run.head.weight[:, SHORTCUT] == 0).all()
    for key in ("mask", "retrained"):
        named = named_head(diagnosis, key, run=run)  # type: ignore[arg-type]
        assert named.notes == ()
        folder = tmp_path / f"exported-{key}"
        export_bundle(folder, bundle_facts(diagnosis, named, diagnosis.samples("evaluation")))
        content = json.loads((folder / "mask.json").read_text())
        assert content["cue"] == {"name": "water", "threshold": 1.0, "source": "cue", "groups": []}
        [row] = content["neurons"]
        assert (row["neuron"], row["reasons"]) == (SHORTCUT, ["cue"])
        card = (folder / "MODEL_CARD.md").read_text()
        assert "1 by the cue" in card
        assert "what a person knows" in card
    diagnosis.project.journal.mask_cue(CueSetting("water", 0.5, "both"))
    [note] = named_head(diagnosis, "retrained", run=run).notes
    assert "Retrain to follow" in note


def test_the_curve_over_the_effect_is_the_accuracy_of_each_mask(diagnosis: Diagnosis) -> None:
    masked_cue(diagnosis)
    test, cue = diagnosis.samples("test"), diagnosis.cue_mask()
    split = MeasuredSplit(diagnosis.project, diagnosis.erm, test)
    nothing = np.zeros(NEURONS, dtype=bool)
    curve = split.curve(None, 0.0, always=nothing, never=nothing, cue=cue)
    assert cue is not None
    for place, threshold in enumerate(curve.thresholds[1:-1], start=1):
        kept = ~(np.abs(cue.effects) > threshold)
        correct = (np.asarray(test.embeddings) @ (diagnosis.erm.weight * kept).T + diagnosis.erm.bias).argmax(axis=1)
        assert curve.accuracy[place] == pytest.approx((correct == test.labels).mean())
        assert curve.num_masked[place] == (~kept).sum()


def test_all_of_it_is_undone(diagnosis: Diagnosis) -> None:
    before = diagnosis.masked_neurons(0.0)
    masked_cue(diagnosis)
    journal = diagnosis.project.journal
    journal.undo()
    np.testing.assert_array_equal(diagnosis.masked_neurons(0.0), before)
    assert [cue.name for cue in diagnosis.cues()] == ["water"]
    journal.undo()
    assert (diagnosis.cues(), diagnosis.shown_cue()) == ([], None)
    journal.redo()
    journal.redo()
    assert np.flatnonzero(diagnosis.masked_neurons(0.0)).tolist() == [SHORTCUT]


def test_a_head_without_mistakes_is_masked_by_a_cue(diagnosis: Diagnosis) -> None:
    vectors = diagnosis.identification.embeddings
    diagnosis.identification.labels[:] = diagnosis.erm.predict(vectors)
    diagnosis.correct[:] = True
    assert available(diagnosis, None) == ("trained",)
    ids = diagnosis.identification.sample_ids.astype(str)
    make_samples_cue(diagnosis, "any", Picks("val", tuple(ids[::3])))
    diagnosis.project.journal.mask_cue(CueSetting("any", 0.0))
    assert available(diagnosis, None) == ("trained", "mask")
    assert diagnosis.masked_neurons(0.0).all()
    assert named_head(diagnosis, "mask").mask.cue is not None


def test_vectors_alone_hold_nothing_to_point_at(diagnosis: Diagnosis) -> None:
    gallery = Gallery(diagnosis.project)
    with pytest.raises(InputError, match="are no pictures"):
        make_box_cue(diagnosis, gallery, "tag", [Pointed("val", "1", Box(0.1, 0.1, 0.2, 0.2))])
    with pytest.raises(InputError, match="are no texts"):
        make_words_cue(diagnosis, gallery, "room", Words(("room",)))
    assert diagnosis.cues() == []


def test_a_tag_is_pointed_at_in_one_picture_and_put_into_others(tmp_path: Path) -> None:
    diagnosis = Diagnosis(Project(EXAMPLES["faces"], tmp_path))
    gallery = Gallery(diagnosis.project)
    samples = diagnosis.identification
    pointed = [Pointed("val", "images/val/unhappy-051-tag.jpg", Box(0.48, 0.82, 0.5, 0.15))]
    with pytest.raises(InputError, match="There is no sample"):
        make_box_cue(diagnosis, gallery, "tag", [Pointed("val", "gone.jpg", pointed[0].box)])
    cue = make_box_cue(diagnosis, gallery, "tag", pointed)
    assert Image.open(diagnosis.project.cues.folder / "tag" / "cutout-0.png").size == (80, 24)
    work = CueWork(diagnosis, gallery, cue, most=12)
    work.wait(120)
    measured = work.measured
    assert measured is not None, work.error
    assert work.share == 1
    assert samples.groups is not None
    assert (samples.groups[measured.rows] % 2).mean() < 0.1  # the label-free search leaves out the tagged pictures
    proof = prove(measured, diagnosis.erm)
    assert proof.direction == "unhappy"
    assert diagnosis.measured_cue("tag") is not None
    again = CueWork(Diagnosis(diagnosis.project), gallery, cue, most=12)
    again.wait(20)
    np.testing.assert_array_equal(again.measured.effects, measured.effects)  # type: ignore[union-attr]
    pictures = CuePictures(diagnosis, gallery, measured)
    shown = {
        version: np.asarray(Image.open(io.BytesIO(pictures.jpeg(0, version, 160))), dtype=float)
        for version in ("without", "cue", "control")
    }
    for version in ("cue", "control"):
        change = np.abs(shown[version] - shown["without"]).mean(axis=2)
        assert change[135:150, 85:150].mean() > 15
        assert change[:110].mean() < 3
    shares = pictures.heat_shares()
    assert shares is not None
    assert 0 <= shares.min() <= shares.max() <= 1
    most = np.argsort(-np.abs(measured.effects))[:100]
    assert shares[most].mean() > 1.3 * shares.mean()


def test_the_mask_that_a_cue_would_give_is_the_one_that_it_gives(diagnosis: Diagnosis) -> None:
    masked_cue(diagnosis, "both", effect=0.1)
    cue, with_cue = diagnosis.cue_mask(), diagnosis.masked_neurons(0.0, stability=2.0)
    diagnosis.project.journal.mask_cue(None)
    assert not np.array_equal(diagnosis.masked_neurons(0.0, stability=2.0), with_cue)  # no cue is masked any more
    assert np.array_equal(diagnosis.masked_neurons(0.0, stability=2.0, cue=cue), with_cue)
    assert diagnosis.masked_neurons(0.0, cue=cue).sum() > with_cue.sum()  # stable neurons alone are fewer
