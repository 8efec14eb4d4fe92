"""Many settings at once give what each gives alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurontune_core import InputError, LinearHead, TuneConfig, neurontune
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.tuning import balanced_trainer
from neurontune_core.tuning.result import TuneResult
from neurontune_core.tuning.sweep import neurontune_sweep
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import EXAMPLES
from tests.support.tuning import QUICK, noisy

CONFIGS = [
    replace(QUICK, mask_value=value, seed=seed, threshold=threshold)
    for seed in (0, 1)
    for value in (0.0, 0.5, 1.0)
    for threshold in (0.25, 0.4)
]
OTHERS = [
    replace(QUICK, masking=False),
    replace(QUICK, learning_rate=0.005),
    replace(QUICK, optimizer="adamw", weight_decay=0.01),
    replace(QUICK, momentum=0.0),
    replace(QUICK, epochs=2),
    replace(QUICK, batches=7),
    replace(QUICK, batch_size=21),
    replace(QUICK, select="last"),
    replace(QUICK, select="worst_class_accuracy", average_epochs=2),
    replace(QUICK, normalize="standardize"),
    replace(QUICK, init="reset"),
    replace(QUICK, statistic="mean", magnitude=False),
    replace(QUICK, mask_scope="per_class"),
    replace(QUICK, rounds="once"),
]


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    return LinearHead(rng.normal(size=(3, 11)) * 0.3, rng.normal(size=3) * 0.1), noisy(1), noisy(2)


def assert_same(together: object, alone: TuneResult) -> None:
    assert isinstance(together, TuneResult)
    np.testing.assert_allclose(together.head.weight, alone.head.weight, atol=2e-5)
    np.testing.assert_allclose(together.head.bias, alone.head.bias, atol=2e-5)
    np.testing.assert_array_equal(together.biased, alone.biased)
    assert (together.epoch, together.config, together.warnings) == (alone.epoch, alone.config, alone.warnings)
    assert [each.num_biased for each in together.history] == [each.num_biased for each in alone.history]
    for measure in ("loss", "sfit", "accuracy", "worst_class_accuracy"):
        measured, expected = ([getattr(each, measure) for each in run.history] for run in (together, alone))
        np.testing.assert_allclose(measured, expected, rtol=1e-4, atol=1e-5)


def test_every_setting_comes_out_as_it_does_alone(data) -> None:
    configs = CONFIGS + OTHERS
    for config, together in zip(configs, neurontune_sweep(*data, configs), strict=True):
        assert_same(together, neurontune(*data, config))


@pytest.mark.parametrize("classes", [2, 5])
def test_whatever_the_number_of_classes(classes: int) -> None:
    rng = np.random.default_rng(4)
    sets = [
        replace(noisy(seed, classes=3), labels=np.arange(150) % classes, class_names=tuple("abcde"[:classes]))
        for seed in (1, 2)
    ]
    head = LinearHead(rng.normal(size=(classes, 11)) * 0.3, np.zeros(classes))
    configs = [replace(QUICK, mask_value=value) for value in (0.2, 0.5, 0.8)]
    for config, together in zip(configs, neurontune_sweep(head, *sets, configs), strict=True):
        assert_same(together, neurontune(head, *sets, config))


def test_with_many_classes_too(data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurontune_core.tuning.sweep.MOST_FUSED_CLASSES", 2)
    monkeypatch.setattr(balanced_trainer, "MOST_FUSED_CLASSES", 2)
    for config, together in zip(CONFIGS[:2], neurontune_sweep(*data, CONFIGS[:2]), strict=True):
        assert_same(together, neurontune(*data, config))


def test_one_bad_setting_is_its_own_outcome_and_the_others_go_on(data) -> None:
    configs = [QUICK, replace(QUICK, threshold=-1e6), replace(QUICK, learning_rate=1e6, weight_decay=1e6)]
    fine, nothing, diverged = neurontune_sweep(*data, configs)
    assert_same(fine, neurontune(*data, QUICK))
    assert isinstance(nothing, InputError)
    assert "would be masked" in str(nothing)
    assert isinstance(diverged, InputError)
    assert "diverged" in str(diverged)


def test_settings_that_train_alike_are_trained_once(data, monkeypatch: pytest.MonkeyPatch) -> None:
    from neurontune_core.kernels import shared_steps

    lanes: list[int] = []
    real = shared_steps.balanced_steps

    def counted(*arguments: object) -> object:
        lanes.append(len(arguments[3]))  # type: ignore[arg-type]
        return real(*arguments)

    monkeypatch.setattr(shared_steps, "balanced_steps", counted)
    rules = [replace(QUICK, select=rule, average_epochs=n) for rule in ("sfit", "last") for n in (1, 3)]
    off = [replace(QUICK, masking=False, threshold=value) for value in (0.0, 0.25)]
    neurontune_sweep(*data, rules + off)
    assert lanes == [2] * QUICK.epochs


def test_what_a_watcher_raises_ends_the_sweep(data) -> None:
    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        neurontune_sweep(*data, CONFIGS, on_epoch=stop)


def test_on_the_built_in_example_every_mask_value_is_as_it_is_alone() -> None:
    project = Project.at(EXAMPLES["faces"])
    sets = project.load_head(), project.load_set("identification"), project.load_set("tuning")
    configs = [TuneConfig(mask_value=value, epochs=5, batches=50) for value in (0.0, 0.2, 1.0)]
    for config, together in zip(configs, neurontune_sweep(*sets, configs), strict=True):
        assert_same(together, neurontune(*sets, config))


@pytest.mark.parametrize("statistic", ["median", "quantile", "mean"])
def test_scores_of_several_heads_are_those_of_each_bit_for_bit(statistic: str) -> None:
    rng = np.random.default_rng(5)
    each = noisy(1, samples=333)
    values = np.round(each.embeddings, 1)  # many ties
    scorer = SpuriousnessScorer(values, each.labels, 3, statistic=statistic, quantile=0.3)  # type: ignore[arg-type]
    predictions_of = [
        np.where(rng.random(333) < share, (each.labels + 1) % 3, each.labels) for share in np.linspace(0, 1, 11)
    ]
    results = scorer.several(predictions_of)
    assert results[0] is None
    for predictions, together in zip(predictions_of[1:], results[1:], strict=True):
        alone = scorer(predictions)
        assert together is not None
        for name in ("delta", "median_incorrect", "median_correct", "num_incorrect", "num_correct"):
            np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))
        assert (together.sfit, together.num_silent, together.warnings) == (alone.sfit, alone.num_silent, alone.warnings)
    medians = [np.median(values[(each.labels == 1) & (predictions_of[4] != each.labels)], axis=0)]
    if statistic == "median":
        np.testing.assert_array_equal(results[4].median_incorrect[1], medians[0].astype(np.float32))
