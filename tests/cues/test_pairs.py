"""Counterfactual pairs in a tiny network: the neuron that sees red is found, and the proof counts what it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from neurontune_core import EmbeddingSet, InputError, LinearHead
from neurontune_core.cues.cue import Box, Cue, Pointed
from neurontune_core.cues.cue_mask import offer
from neurontune_core.cues.cutout import cut_out, paste
from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.cues.pairs import Stopped, measure_pairs
from neurontune_core.cues.pictures import PictureEdits
from neurontune_core.cues.presence import CueDetector
from neurontune_core.cues.proof import prove
from neurontune_core.datasets import Dataset
from tests.support import red_patch
from tests.support.red_patch import BRIGHT, PATCH, RED, SIDE, STILL


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return red_patch.write(tmp_path_factory.mktemp("red"))


@pytest.fixture(scope="module")
def cue() -> Cue:
    return Cue("patch", (Pointed("val", "source", Box(0.5, 0.5, PATCH / SIDE, PATCH / SIDE)),))


@pytest.fixture(scope="module")
def edits(cue: Cue) -> PictureEdits:
    source = Image.new("RGB", (SIDE, SIDE), (120, 120, 120))
    source.paste(Image.fromarray(red_patch.patch()), (SIDE // 2, SIDE // 2))
    [pointed] = cue.definition  # type: ignore[misc]
    return PictureEdits([cut_out(source, pointed)])


@pytest.fixture(scope="module")
def measured(dataset: Dataset, cue: Cue, edits: PictureEdits) -> CueMeasurement:
    model = red_patch.network()
    return measure_pairs(cue, edits, model, dataset, red_patch.embedded(dataset, model))


def test_the_neuron_that_sees_red_is_found_and_its_effect_is_that_of_numpy(
    dataset: Dataset, edits: PictureEdits, measured: CueMeasurement
) -> None:
    samples = measured.samples
    red = []
    for row in measured.rows:
        picture = dataset.open_source(str(samples.sources[row]))  # type: ignore[index]
        before, after = (
            np.asarray(each, dtype=float) / 255 for each in (picture, edits.with_cue(picture, np.random.default_rng(0)))
        )
        red.append((after - before)[..., 0].mean() - (after - before)[..., 1].mean())
    vectors = np.asarray(samples.embeddings, dtype=float)
    expected = np.mean(red) / vectors[:, RED].std()
    assert measured.effects[RED] == pytest.approx(expected, rel=1e-3)
    assert int(np.argmax(np.abs(measured.effects))) == RED
    assert measured.effects[STILL] == 0
    assert measured.p_adjusted[RED] < 1e-6
    assert measured.control_effects is not None
    assert abs(measured.control_effects[RED]) < 0.1 * measured.effects[RED]


def test_pictures_that_hold_the_cue_anywhere_are_passed_over(measured: CueMeasurement) -> None:
    numbers = [int(Path(str(measured.samples.sources[row])).stem) for row in measured.rows]  # type: ignore[index]
    assert sorted(numbers) == sorted([*range(8)] * 2)  # of twelve pictures a class, the last four are tagged
    assert np.bincount(measured.labels).tolist() == [8, 8]
    assert any("8 samples were passed over" in sentence for sentence in measured.notes)


def test_a_tag_is_recognized_wherever_it_stands_and_nothing_else_is(edits: PictureEdits, cue: Cue) -> None:
    rng = np.random.default_rng(5)
    source = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    [pointed] = cue.definition  # type: ignore[misc]
    cut = cut_out(source, pointed)
    detector, other = CueDetector([cut]), Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert not detector.holds(other)
    moved = other.copy()
    moved.paste(Image.fromarray(cut.pixels), (3, 7))
    assert detector.likeness(moved) == pytest.approx(1, abs=1e-3)
    assert detector.holds(paste(other, cut))


def test_the_proof_counts_answers_and_tests_the_cue_against_the_control(measured: CueMeasurement) -> None:
    model = red_patch.network()
    head = red_patch.head(model)
    proof = prove(measured, head)
    assert measured.edited is not None
    assert measured.control is not None
    answers = [
        (np.asarray(vectors, dtype=float) @ head.weight.T + head.bias).argmax(axis=1)
        for vectors in (measured.base, measured.edited, measured.control)
    ]
    changed, by_control = (answers[0] != other for other in answers[1:])
    assert (proof.pairs, proof.changed, proof.control_changed) == (16, changed.sum(), by_control.sum())
    only_cue = int(((answers[1] == 1) & (answers[2] == 0)).sum())
    only_control = int(((answers[2] == 1) & (answers[1] == 0)).sum())
    assert proof.p_value == pytest.approx(binomtest(only_cue, only_cue + only_control).pvalue)
    assert proof.distinct
    assert proof.direction == "light"
    dark = next(part for part in proof.by_class if part.label == "dark")
    own = measured.labels == 0
    counts = [int((each[own] == 1).sum()) for each in answers]
    assert (dark.called_without, dark.called_with, dark.called_control) == tuple(counts)
    as_they_are = f", as they are {counts[0]}" if counts[0] else ""
    assert proof.sentence == (
        f'With the patch, {counts[1]} of 8 "dark" pictures are called "light"; with a patch from elsewhere '
        f"{counts[2]}{as_they_are}."
    )
    assert changed[proof.order].tolist() == sorted(changed.tolist(), reverse=True)


def test_a_head_that_does_not_read_the_cue_is_said_to_be_like_the_control(measured: CueMeasurement) -> None:
    weight = np.zeros((2, 3), dtype=np.float32)
    weight[1, BRIGHT] = 1
    other = LinearHead(weight, np.array([0.0, -1.5]), ("dark", "light"))
    proof = prove(measured, other)
    assert not proof.distinct
    best = offer(measured, other)
    assert not best.distinct
    assert not measured.mask(best.threshold).neurons.any()
    assert best.sentence == "Nothing to mask: the patch cannot be told from the control."
    assert proof.sentence.startswith("The patch cannot be told from the control: with it")


def test_the_result_is_the_same_again_and_comes_back_from_disk(
    dataset: Dataset, cue: Cue, edits: PictureEdits, measured: CueMeasurement, tmp_path: Path
) -> None:
    model = red_patch.network()
    again = measure_pairs(cue, edits, model, dataset, measured.samples)
    np.testing.assert_array_equal(again.edited, measured.edited)  # type: ignore[arg-type]
    measured.save(tmp_path / "measured.npz")
    kept = CueMeasurement.load(tmp_path / "measured.npz", cue, measured.samples)
    assert kept is not None
    np.testing.assert_array_equal(kept.effects, measured.effects)
    assert kept.notes == measured.notes
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 nothing")
    assert CueMeasurement.load(tmp_path / "damaged.npz", cue, measured.samples) is None


def test_it_can_be_stopped_and_says_how_far_it_is(dataset: Dataset, cue: Cue, edits: PictureEdits) -> None:
    model, steps = red_patch.network(), []
    samples = red_patch.embedded(dataset, model)
    measure_pairs(
        cue, edits, model, dataset, samples, most=8, on_progress=lambda done, all_: steps.append((done, all_))
    )
    assert steps[-1] == (8, 8)
    with pytest.raises(Stopped):
        measure_pairs(cue, edits, model, dataset, samples, should_stop=lambda: True)


def test_a_network_that_has_changed_is_refused(dataset: Dataset, cue: Cue, edits: PictureEdits) -> None:
    model = red_patch.network()
    other_head = red_patch.embedded(dataset, model, fingerprint="of the same body under another last layer")
    measure_pairs(cue, edits, model, dataset, other_head, most=4)
    unknown = red_patch.embedded(dataset, model)
    unknown.provenance.clear()
    measure_pairs(cue, edits, model, dataset, unknown, most=4)
    other = EmbeddingSet(
        np.asarray(unknown.embeddings) + 0.5, unknown.labels, unknown.class_names,
        sample_ids=unknown.sample_ids, sources=unknown.sources,
    )  # fmt: skip
    with pytest.raises(InputError, match="network has changed"):
        measure_pairs(cue, edits, model, dataset, other, most=4)


def test_a_cue_that_every_picture_holds_is_refused(tmp_path: Path, cue: Cue, edits: PictureEdits) -> None:
    dataset, model = red_patch.write(tmp_path, each=6, tagged=6), red_patch.network()
    with pytest.raises(InputError, match="hold the cue already"):
        measure_pairs(cue, edits, model, dataset, red_patch.embedded(dataset, model))


def test_pictures_of_other_sizes_are_named(tmp_path: Path, cue: Cue, edits: PictureEdits) -> None:
    dataset, model = red_patch.write(tmp_path, each=6, tagged=0, side=2 * SIDE), red_patch.network()
    notes = measure_pairs(cue, edits, model, dataset, red_patch.embedded(dataset, model)).notes
    assert any("12 of 12 pictures have another size" in sentence for sentence in notes)
