"""NeuronTune as a whole: beside a slow run of the paper's equations, what each setting does, and what must hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.tuning import balanced_trainer
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune, neurontune_halves
from neurontune_core.tuning.result import EpochRecord
from tests.support.tuning import QUICK, same_run, slow_scores


def slow_neurontune(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, config: TuneConfig
) -> tuple[list[LinearHead], list[np.ndarray], list[float]]:
    """Return masked heads, masks and SFit of every epoch: the paper's loop with numpy and torch, same batches."""
    rng = np.random.default_rng(config.seed)
    weight = torch.tensor(head.weight, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(head.bias, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD(
        [weight, bias], lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
    )
    rows = [np.flatnonzero(tuning.labels == label) for label in range(head.num_classes)]
    per_class = config.batch_size // head.num_classes
    delta = slow_scores(head, identification)
    heads, masks, sfit = [], [], []
    for _ in range(config.epochs):
        biased = (delta > config.threshold).any(axis=0)
        mask = np.where(biased, config.mask_value, 1.0)
        draws = [own[rng.integers(0, len(own), (config.batches, per_class))] for own in rows]
        for batch in np.concatenate(draws, axis=1):
            masked = torch.tensor(tuning.embeddings[batch] * mask)
            loss = torch.nn.functional.cross_entropy(masked @ weight.T + bias, torch.tensor(tuning.labels[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        heads.append(LinearHead(weight.detach().numpy() * mask, bias.detach().numpy()))
        masks.append(biased)
        delta = slow_scores(heads[-1], identification)
        sfit.append(float(np.abs(delta.astype(np.float64)).sum()))
    return heads, masks, sfit


@pytest.mark.parametrize(("mask_value", "threshold"), [(0.0, 0.25), (0.5, 0.0)])
@pytest.mark.parametrize("seed", range(3))
def test_the_whole_run_is_the_papers_loop(data, mask_value: float, threshold: float, seed: int) -> None:
    head, identification, tuning = data
    config = replace(
        QUICK, epochs=6, batch_size=31, mask_value=mask_value, threshold=threshold, seed=seed, weight_decay=0.01
    )
    heads, masks, sfit = slow_neurontune(head, identification, tuning, config)
    assert len({mask.tobytes() for mask in masks}) > 1  # the mask moves, or this test would show little
    result = neurontune(head, identification, tuning, config)
    assert [record.num_biased for record in result.history] == [int(mask.sum()) for mask in masks]
    np.testing.assert_allclose([record.sfit for record in result.history], sfit, rtol=1e-6)
    best = int(np.argmax(sfit))
    assert result.epoch == best + 1
    np.testing.assert_array_equal(result.biased, masks[best])
    np.testing.assert_allclose(result.head.weight, heads[best].weight, atol=2e-5)
    np.testing.assert_allclose(result.head.bias, heads[best].bias, atol=2e-5)
    for record, expected in zip(result.history, heads, strict=True):
        assert record.accuracy == evaluate(expected, identification).accuracy
        assert record.worst_class_accuracy == evaluate(expected, identification).worst_class_accuracy
        assert record.worst_group_accuracy is None


@pytest.mark.parametrize("setting", [{"mask_value": 1.0}, {"threshold": 1e6}, {"max_masked_fraction": 0.0}])
def test_a_mask_that_does_nothing_is_masking_off_bit_for_bit(data, setting: dict) -> None:
    off = neurontune(*data, replace(QUICK, masking=False))
    assert same_run(neurontune(*data, replace(QUICK, **setting)), off)
    assert not same_run(neurontune(*data, QUICK), off)


def test_mask_value_one_is_masking_off_even_when_all_neurons_are_chosen(data) -> None:
    everything = replace(QUICK, mask_value=1.0, threshold=-1e6)
    assert same_run(neurontune(*data, everything), neurontune(*data, replace(QUICK, masking=False)))


def test_masking_off_masks_nothing_and_has_no_scores(data) -> None:
    result = neurontune(*data, replace(QUICK, masking=False))
    assert not result.biased.any()
    assert result.scores is None
    assert all(record.num_biased == 0 and record.sfit > 0 for record in result.history)
    assert result.head.provenance["method"] == "masking off"


def test_the_same_seed_gives_the_same_head_bit_for_bit_and_another_seed_another(data) -> None:
    assert same_run(neurontune(*data, QUICK), neurontune(*data, QUICK))
    assert not same_run(neurontune(*data, QUICK), neurontune(*data, replace(QUICK, seed=1)))


def test_the_kept_head_is_folded_its_masked_columns_are_silent(data) -> None:
    _, identification, tuning = data
    result = neurontune(*data, QUICK)
    assert result.biased.any()
    assert not result.head.weight[:, result.biased].any()
    record = result.history[result.epoch - 1]
    assert evaluate(result.head, identification).accuracy == record.accuracy
    assert result.head.class_names == tuning.class_names
    assert result.head.provenance["epoch"] == result.epoch
    assert result.head.provenance["learning_rate"] == QUICK.learning_rate


def test_scores_are_those_that_the_kept_epochs_mask_was_drawn_from(data) -> None:
    head, identification, _ = data
    for select in ("sfit", "worst_class_accuracy", "last"):
        result = neurontune(*data, replace(QUICK, select=select))
        assert result.scores is not None
        np.testing.assert_array_equal(result.scores.biased(QUICK.threshold), result.biased)
    first = neurontune(*data, replace(QUICK, epochs=1))
    assert first.scores is not None
    np.testing.assert_array_equal(first.scores.delta, slow_scores(head, identification))


def test_the_masks_come_from_raw_activations_so_a_masked_neuron_can_be_masked_again(data) -> None:
    _, identification, _ = data
    result = neurontune(*data, replace(QUICK, select="last", epochs=2))
    after_first = neurontune(*data, replace(QUICK, select="last", epochs=1))
    expected = (slow_scores(after_first.head, identification) > QUICK.threshold).any(axis=0)
    np.testing.assert_array_equal(result.biased, expected)
    assert (result.biased & after_first.biased).any()


def test_the_threshold_decides_who_is_masked_and_not_what_sfit_says(data) -> None:
    head, identification, _ = data
    delta = slow_scores(head, identification)
    for threshold in (0.0, 0.25, float(np.sort(delta.max(axis=0))[5])):
        result = neurontune(*data, replace(QUICK, threshold=threshold, epochs=1))
        np.testing.assert_array_equal(result.biased, (delta > threshold).any(axis=0))
        assert result.scores is not None
        assert result.scores.sfit == pytest.approx(np.abs(delta.astype(np.float64)).sum())


def test_flipping_a_neuron_and_its_weights_changes_no_mask_and_no_logit(data) -> None:
    head, identification, tuning = data
    signs = np.where(np.arange(11) % 2, -1, 1).astype(np.float32)
    flip = lambda data: replace(data, embeddings=data.embeddings * signs)  # noqa: E731
    before = neurontune(head, identification, tuning, QUICK)
    after = neurontune(LinearHead(head.weight * signs, head.bias), flip(identification), flip(tuning), QUICK)
    np.testing.assert_array_equal(after.head.weight, before.head.weight * signs)
    np.testing.assert_array_equal(after.biased, before.biased)
    assert after.history == before.history


def test_magnitude_off_scores_the_signed_activation(data) -> None:
    head, identification, tuning = data
    identification = replace(identification, embeddings=-identification.embeddings)
    tuning = replace(tuning, embeddings=-tuning.embeddings)
    by_size = neurontune(head, identification, tuning, replace(QUICK, epochs=1))
    signed = neurontune(head, identification, tuning, replace(QUICK, epochs=1, magnitude=False))
    assert by_size.scores is not None
    assert signed.scores is not None
    np.testing.assert_array_equal(signed.scores.delta, -by_size.scores.delta)


@pytest.mark.parametrize(("statistic", "quantile"), [("mean", 0.5), ("quantile", 0.9)])
def test_the_statistic_reaches_the_scorer(data, statistic: str, quantile: float) -> None:
    head, identification, _ = data
    result = neurontune(*data, replace(QUICK, epochs=1, statistic=statistic, quantile=quantile))
    scorer = SpuriousnessScorer(
        identification.embeddings, identification.labels, 3, statistic=statistic, quantile=quantile
    )
    assert result.scores is not None
    np.testing.assert_array_equal(result.scores.delta, scorer(head.predict(identification.embeddings)).delta)


def test_a_scorer_made_before_gives_the_same_run(data) -> None:
    _, identification, _ = data
    scorer = SpuriousnessScorer(identification.embeddings, identification.labels, 3)
    assert same_run(neurontune(*data, QUICK, scorer=scorer), neurontune(*data, QUICK))
    other = SpuriousnessScorer(identification.embeddings, identification.labels, 3, statistic="mean")
    standardized = replace(QUICK, normalize="standardize")
    assert same_run(neurontune(*data, standardized, scorer=other), neurontune(*data, standardized))


@pytest.mark.parametrize("how", ["standardize", "l2"])
def test_normalizing_is_tuning_on_scaled_vectors_and_folding_the_scale_into_the_head(data, how: str) -> None:
    head, identification, tuning = data
    vectors = tuning.embeddings.astype(np.float64)
    shift = vectors.mean(axis=0) if how == "standardize" else np.zeros(11)
    scale = np.sqrt(((vectors - shift) ** 2).mean(axis=0))
    scaled = [replace(part, embeddings=(part.embeddings - shift) / scale) for part in (identification, tuning)]
    start = LinearHead(head.weight * scale, head.bias + head.weight @ shift)
    inside = neurontune(start, *scaled, QUICK)
    result = neurontune(head, identification, tuning, replace(QUICK, normalize=how))
    np.testing.assert_array_equal(result.biased, inside.biased)
    weight = inside.head.weight / scale
    np.testing.assert_allclose(result.head.weight, weight, atol=2e-5)
    np.testing.assert_allclose(result.head.bias, inside.head.bias - weight @ shift, atol=2e-5)
    np.testing.assert_array_equal(
        result.head.predict(identification.embeddings), inside.head.predict(scaled[0].embeddings)
    )


def test_normalization_is_fitted_on_the_tuning_set_alone(data) -> None:
    head, identification, tuning = data
    config = replace(QUICK, normalize="standardize", select="last", masking=False)
    other = replace(identification, embeddings=identification.embeddings * 50 + 3)
    np.testing.assert_array_equal(
        neurontune(head, identification, tuning, config).head.weight,
        neurontune(head, other, tuning, config).head.weight,
    )


def test_warm_starts_from_the_erm_head_zero_from_zero_and_reset_from_fresh_weights(data) -> None:
    head, _, _ = data
    still = replace(QUICK, epochs=1, batches=1, learning_rate=1e-12, masking=False)
    warm = neurontune(*data, still).head
    np.testing.assert_allclose(warm.weight, head.weight, atol=1e-7)
    zero = neurontune(*data, replace(still, init="zero")).head
    np.testing.assert_allclose(zero.weight, 0, atol=1e-7)
    fresh = [neurontune(*data, replace(still, init="reset", seed=seed)).head for seed in (0, 0, 1)]
    assert 0.1 < np.abs(fresh[0].weight).max() <= 11**-0.5  # as a torch.nn.Linear of 11 inputs
    assert np.abs(fresh[0].bias).max() <= 11**-0.5
    np.testing.assert_array_equal(fresh[0].weight, fresh[1].weight)
    assert (fresh[0].weight != fresh[2].weight).any()


def test_the_first_mask_is_the_erm_heads_wherever_training_starts(data) -> None:
    head, identification, _ = data
    expected = (slow_scores(head, identification) > QUICK.threshold).any(axis=0)
    for init in ("warm", "reset", "zero"):
        result = neurontune(*data, replace(QUICK, epochs=1, init=init))
        np.testing.assert_array_equal(result.biased, expected)


def test_momentum_decay_rate_batches_and_optimizer_reach_the_training(data) -> None:
    reference = neurontune(*data, QUICK).head.weight
    for change in (
        {"momentum": 0.0},
        {"weight_decay": 0.3},
        {"learning_rate": 0.03},
        {"batches": 11},
        {"batch_size": 60},
        {"optimizer": "adamw"},
    ):
        assert np.abs(neurontune(*data, replace(QUICK, **change)).head.weight - reference).max() > 1e-4, change
    adamw = replace(QUICK, optimizer="adamw")  # momentum is SGD's alone
    assert same_run(neurontune(*data, adamw), neurontune(*data, replace(adamw, momentum=0.1)))


def test_worst_group_accuracy_is_recorded_but_moves_nothing(data) -> None:
    head, identification, tuning = data
    grouped = replace(identification, groups=np.arange(150) % 4, group_names=("p", "q", "r", "s"))
    result = neurontune(head, grouped, tuning, QUICK)
    assert same_run(
        replace(result, history=tuple(replace(record, worst_group_accuracy=None) for record in result.history)),
        neurontune(*data, QUICK),
    )
    kept = result.history[result.epoch - 1]
    assert kept.worst_group_accuracy == evaluate(result.head, grouped).worst_group_accuracy


def test_more_than_sixteen_classes_tune_as_few_classes_do(data, monkeypatch: pytest.MonkeyPatch) -> None:
    fused = neurontune(*data, QUICK)
    monkeypatch.setattr(balanced_trainer, "MOST_FUSED_CLASSES", 2)
    products = neurontune(*data, QUICK)
    np.testing.assert_array_equal(products.biased, fused.biased)
    np.testing.assert_allclose(products.head.weight, fused.head.weight, atol=2e-5)
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 20
    many = EmbeddingSet(rng.normal(size=(400, 11)) + 1, labels, tuple(map(str, range(20))))
    head = LinearHead(rng.normal(size=(20, 11)) * 0.1, np.zeros(20))
    crowded = replace(QUICK, batch_size=40, max_masked_fraction=0.5)
    result = neurontune(head, many, many, crowded)
    assert result.history[-1].loss < result.history[0].loss
    assert same_run(result, neurontune(head, many, many, crowded))


def test_halves_tune_on_one_half_and_identify_on_the_other(data) -> None:
    head, held_out, _ = data
    for seed in (0, 5):
        config = replace(QUICK, seed=seed)
        tuning, identification = held_out.halves(seed)
        assert set(tuning.sample_ids).isdisjoint(identification.sample_ids)
        assert same_run(neurontune_halves(head, held_out, config), neurontune(head, identification, tuning, config))
    seen: list[EpochRecord] = []
    neurontune_halves(head, held_out, QUICK, on_epoch=seen.append)
    assert len(seen) == QUICK.epochs


def planted(seed: int, samples: int, agree: float) -> EmbeddingSet:
    """Draw a weak core feature that is always right, a strong spurious one right for a share of the samples, and noise.

    Groups are (class, spurious attribute). Like units after a ReLU, a feature of each class fires for its class.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, samples)
    attribute = np.where(rng.random(samples) < agree, labels, 1 - labels)
    columns = []
    for index, strength, spread in ((labels, 0.5, 1.0), (attribute, 3.0, 0.2)):
        for side in (0, 1):
            for _ in range(4):
                columns.append(strength * (index == side) * (1 + spread * rng.normal(size=samples)))
    columns += [0.3 * rng.normal(size=samples) for _ in range(4)]
    embeddings = np.maximum(np.stack(columns, axis=1), 0)
    return EmbeddingSet(embeddings, labels, ("y0", "y1"), 2 * labels + attribute, ("y0 a0", "y0 a1", "y1 a0", "y1 a1"))


def test_a_planted_spurious_feature_is_found_masked_and_the_worst_group_rescued() -> None:
    from sklearn.linear_model import LogisticRegression

    for seed in range(3):
        train, val, test = (
            planted(3 * seed, 2000, 0.95), planted(3 * seed + 1, 600, 0.5), planted(3 * seed + 2, 2000, 0.5)
        )  # fmt: skip
        model = LogisticRegression(C=0.01).fit(train.embeddings, train.labels)
        erm = LinearHead(
            np.concatenate([-model.coef_, model.coef_]) / 2, [-model.intercept_[0] / 2, model.intercept_[0] / 2]
        )
        before = evaluate(erm, test)
        assert before.worst_group_accuracy is not None
        assert before.worst_group_accuracy < 0.1
        config = TuneConfig(seed=seed, epochs=20, select="worst_class_accuracy")
        result = neurontune(erm, val, train, config)
        after = evaluate(result.head, test)
        off = evaluate(neurontune(erm, val, train, replace(config, masking=False)).head, test)
        first = neurontune(erm, val, train, replace(config, epochs=1)).biased
        assert first[8:16].all()  # the spurious units
        assert not first[:8].all()
        assert after.worst_group_accuracy is not None
        assert off.worst_group_accuracy is not None
        assert after.worst_group_accuracy > 0.8
        assert after.worst_group_accuracy > off.worst_group_accuracy + 0.1
