"""The mask of a cue: one rule with scores and verdicts, its file, the margin, and the threshold that is offered."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, InputError, LinearHead
from neurontune_core.cues.cue import Cue, Picks
from neurontune_core.cues.cue_mask import cue_margin, offer
from neurontune_core.cues.measurement import CueMeasurement, measure_picks
from neurontune_core.mask import CueMask, Mask, by_source, with_verdicts

CORE, SHORTCUT, M = 0, 1, 40


def test_the_rule_for_every_combination() -> None:
    combinations = list(product([False, True], repeat=4))
    biased, moved, spurious, core = (np.array(column) for column in zip(*combinations, strict=True))
    effects = np.where(moved, [-0.5, 0.5] * 8, 0.1).astype(np.float32)
    for source in (None, "cue", "both"):
        cue = None if source is None else CueMask("tag", effects, 0.3, source)  # type: ignore[arg-type]
        masked = with_verdicts(by_source(biased, cue), spurious, core)
        for place, (score, responds, judged, spared) in enumerate(combinations):
            selected = {None: score, "cue": responds, "both": score or responds}[source]
            assert masked[place] == ((selected or judged) and not spared)


def test_the_file_names_the_cue_its_threshold_and_every_effect(tmp_path: Path) -> None:
    effects = np.array([0.5, -0.4, 0.1, 0.9], dtype=np.float32)
    cue = CueMask("tag", effects, 0.3, "both", ("happy, tag",))
    masked = np.array([True, True, True, False])
    mask = Mask(masked, 0.0, 0.0, {1: "spurious", 3: "core"}, {}, {0: {"a": 0.2}, 1: {"a": -1}, 2: {"a": 0.1}}, "", cue)
    mask.save(tmp_path / "mask.json")
    content = json.loads((tmp_path / "mask.json").read_text())
    assert content["cue"] == {"name": "tag", "threshold": 0.3, "source": "both", "groups": ["happy, tag"]}
    rows = {row["neuron"]: row for row in content["neurons"]}
    assert rows[0]["reasons"] == ["score", "cue"]
    assert rows[1]["reasons"] == ["cue", "judged spurious"]
    assert rows[2]["reasons"] == ["score"]
    assert rows[3]["reasons"] == ["judged core"]
    assert rows[1]["effect"] == pytest.approx(-0.4)
    again = Mask.load(tmp_path / "mask.json")
    assert again.cue is not None
    np.testing.assert_array_equal(again.cue.neurons & masked, cue.neurons & masked)
    assert [again.reasons(neuron) for neuron in range(4)] == [mask.reasons(neuron) for neuron in range(4)]
    assert Mask(masked, 0.0, 0.0, cue=CueMask("tag", effects, 0.3)).reasons(0) == ("cue",)


@pytest.mark.parametrize(("threshold", "source"), [(-1, "cue"), (float("nan"), "cue"), (0.3, "score")])
def test_a_source_that_is_none_is_refused(threshold: float, source: str) -> None:
    with pytest.raises(InputError):
        CueMask("tag", np.zeros(3, dtype=np.float32), threshold, source)  # type: ignore[arg-type]


def test_a_cue_of_another_network_is_refused() -> None:
    with pytest.raises(InputError, match="one per neuron"):
        by_source(np.zeros(5, dtype=bool), CueMask("tag", np.ones(3, dtype=np.float32), 0.3))


def test_the_margin_of_two_classes_is_half_their_distance_minus_the_pull_of_the_cue_whatever_the_bias() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    decision = np.where(labels == 1, 2.0, -1.0) + rng.normal(size=100)
    pulled = decision + 0.8
    for bias in (0.0, 5.0):
        logits = [np.stack([np.zeros(100), values + bias], axis=1) for values in (decision, pulled)]
        sides = [decision[labels == label].mean() for label in (0, 1)]
        margins = np.concatenate(
            [np.where(labels == 1, values + bias, -values - bias) for values in (decision, pulled)]
        )
        expected = (sides[1] - sides[0] - 0.8) / 2 / margins.std()
        assert cue_margin(logits[0], logits[1], labels) == pytest.approx(expected)


def planted(seed: int) -> tuple[EmbeddingSet, LinearHead]:
    """Return samples whose neuron 0 tells the classes apart, whose neurons 1 to 3 follow a cue, and a head that leans
    on the cue; the rest is noise."""
    rng = np.random.default_rng(seed)
    labels, has = np.arange(400) % 2, rng.random(400) < 0.5
    vectors = rng.normal(size=(400, M)).astype(np.float32)
    vectors[:, CORE] += 2.5 * (2 * labels - 1)
    vectors[:, SHORTCUT : SHORTCUT + 3] += 1.0 * (2 * has[:, None] - 1)  # no offset: masking leaves the bias right
    weight = np.zeros((2, M), dtype=np.float32)
    weight[1, CORE], weight[1, SHORTCUT : SHORTCUT + 3] = 1.0, 1.5
    weight[1, 4:] = 0.05
    ids = np.array([f"{'with' if each else 'without'}-{place}" for place, each in enumerate(has)], dtype=object)
    samples = EmbeddingSet(vectors, labels, ("a", "b"), sample_ids=ids, split="val")
    return samples, LinearHead(weight, np.zeros(2), ("a", "b"))


def picked(samples: EmbeddingSet, each: int) -> CueMeasurement:
    ids = samples.sample_ids.astype(str)
    chosen: dict[str, list[str]] = {"with": [], "without": []}
    for kind, label in product(chosen, (0, 1)):
        chosen[kind] += [
            name for name, own in zip(ids, samples.labels == label, strict=True) if own and name.split("-")[0] == kind
        ][:each]
    return measure_picks(Cue("cue", Picks("val", tuple(chosen["with"]), tuple(chosen["without"]))), samples)


@pytest.mark.parametrize("seed", range(3))
def test_the_offered_threshold_masks_the_cue_and_keeps_the_core(seed: int) -> None:
    samples, head = planted(seed)
    measured = picked(samples, 40)
    best = offer(measured, head)
    masked = measured.mask(best.threshold).neurons
    assert masked[SHORTCUT : SHORTCUT + 3].all()
    assert not masked[CORE]
    cleared = head.masked(np.where(masked, 0.0, 1.0))
    has = np.char.startswith(samples.sample_ids.astype(str), "with-")
    correct = cleared.predict(samples.embeddings) == samples.labels
    before = head.predict(samples.embeddings) == samples.labels
    worst, worst_before = (
        min(each[(samples.labels == label) & (has == kind)].mean() for label in (0, 1) for kind in (True, False))
        for each in (correct, before)
    )
    decision = np.diff(cleared.logits(samples.embeddings), axis=1)[:, 0]
    distance = decision[samples.labels == 1].mean() - decision[samples.labels == 0].mean()
    pull = abs(decision[has].mean() - decision[~has].mean())
    assert pull < 0.2 * distance
    assert best.trained_worst_class == pytest.approx(min(before[samples.labels == label].mean() for label in (0, 1)))
    assert worst >= worst_before
    assert best.helps
    assert best.trained_worst_condition == pytest.approx(
        min(
            before[measured.rows][(measured.labels == label) & (measured.has == kind)].mean()
            for label in (0, 1)
            for kind in (True, False)
        )
    )
    assert best.margins.max() == best.margins[best.thresholds == best.threshold][0]


def test_a_mask_that_leaves_the_bias_wrong_is_said_to_need_a_retraining() -> None:
    samples, head = planted(0)
    shifted = EmbeddingSet(
        np.asarray(samples.embeddings) + np.isin(np.arange(M), [1, 2, 3]), samples.labels, samples.class_names,
        sample_ids=samples.sample_ids, split="val",
    )  # fmt: skip
    balanced = LinearHead(head.weight, head.bias - [0, head.weight[1, 1:4].sum()], head.class_names)
    best = offer(picked(shifted, 40), balanced)
    assert not best.helps
    assert "mask the cue and retrain" in best.sentence


def test_picks_that_cannot_be_compared_are_refused_in_a_sentence() -> None:
    samples, head = planted(0)
    ids = tuple(samples.sample_ids.astype(str).tolist())
    for picks, sentence in (
        (Picks("val", ids), "Every sample has the cue"),
        (Picks("val", ("gone",)), "is in split"),
        (Picks("val", (ids[0],), (ids[1],)), "No class has two samples"),
    ):
        with pytest.raises(InputError, match=sentence):
            measure_picks(Cue("cue", picks), samples)
    with pytest.raises(InputError, match="No sample has the cue"):
        Picks("val", ())
    with pytest.raises(InputError, match="picked as having the cue and as not having it"):
        Picks("val", ids[:2], ids[:2])
    with pytest.raises(InputError, match="too few samples"):
        offer(picked(samples, 2), head)
