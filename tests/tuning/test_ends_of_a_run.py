"""Runs without mistakes, with nearly everything masked or with bad input, and the defaults."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from tests.support.tuning import QUICK, noisy


def perfect_head() -> tuple[LinearHead, EmbeddingSet]:
    labels = np.arange(40) % 2
    return LinearHead(np.array([[-1.0, 0], [1.0, 0]]), np.zeros(2)), EmbeddingSet(
        np.stack([labels * 2.0 - 1, np.ones(40)], axis=1), labels, ("a", "b")
    )


def test_a_head_without_mistakes_stops_and_says_so_but_can_be_retrained_without_masks() -> None:
    head, data = perfect_head()
    with pytest.raises(NoMistakes, match="The head makes no mistake on the identification set"):
        neurontune(head, data, data, QUICK)
    result = neurontune(head, data, data, replace(QUICK, masking=False))
    assert [record.sfit for record in result.history] == [0.0] * QUICK.epochs


def test_tuning_stops_with_a_warning_once_no_mistake_is_left() -> None:
    _, data = perfect_head()
    poor = LinearHead(np.array([[0.0, 0.4], [0.0, 0.0]]), np.zeros(2))  # says "a" to all
    result = neurontune(poor, data, data, replace(QUICK, select="last", learning_rate=0.2, batches=50))
    assert result.history[-1].accuracy == 1.0
    assert result.history[-1].sfit == 0.0
    number = result.history[-1].epoch
    assert f"After epoch {number} the head makes no mistake on the identification set; tuning stopped there." in (
        result.warnings
    )
    assert 'Class "a" has no misclassified samples; its scores are 0.' in result.warnings


def test_masking_nearly_everything_warns(data) -> None:
    always = np.ones(11, bool)
    always[0] = False
    never = ~always
    result = neurontune(*data, QUICK, always=always, never=never)
    assert "91% of the neurons are masked; little is left to classify with." in result.warnings
    half = neurontune(*data, replace(QUICK, max_masked_fraction=0.5))
    assert not any("little is left" in sentence for sentence in half.warnings)


def test_bad_sets_and_heads_are_refused_in_words(data) -> None:
    head, identification, tuning = data
    with pytest.raises(InputError, match="Every one of the 11 neurons would be masked, which leaves nothing"):
        neurontune(*data, replace(QUICK, threshold=-1e6))
    with pytest.raises(InputError, match=r"The head diverged in epoch \d+ \(learning rate 1e\+06\); choose a smaller"):
        neurontune(*data, replace(QUICK, learning_rate=1e6, weight_decay=1e6))
    with pytest.raises(InputError, match="one has 11 neurons, the other 5"):
        neurontune(head, identification, noisy(1, neurons=5), QUICK)
    with pytest.raises(InputError, match="The head does not fit: it is for 2 classes and 11 neurons"):
        neurontune(LinearHead(np.ones((2, 11)), np.ones(2)), identification, tuning, QUICK)
    missing = replace(tuning, labels=np.minimum(tuning.labels, 1))
    with pytest.raises(InputError, match='Class "c" has no sample in the tuning set'):
        neurontune(head, identification, missing, QUICK)
    with pytest.raises(InputError, match="A batch of 2 cannot hold one sample of each of the 3 classes"):
        neurontune(*data, replace(QUICK, batch_size=2))


@pytest.mark.parametrize("name", [setting.name for setting in fields(TuneConfig) if setting.metadata["choices"]])
def test_an_unknown_choice_is_named_with_those_there_are(name: str) -> None:
    with pytest.raises(InputError, match=rf'Expected {name} to be one of .*, but got "guess"'):
        TuneConfig(**{name: "guess"})


def test_the_defaults_are_those_that_the_method_decided() -> None:
    config = TuneConfig()
    assert (config.threshold, config.mask_value, config.masking, config.magnitude) == (0.0, 0.0, True, True)
    assert (config.statistic, config.normalize, config.init, config.select) == ("median", "none", "warm", "sfit")
    assert (config.rounds, config.mask_scope, config.max_masked_fraction) == ("recompute", "union", 1.0)
    assert (config.epochs, config.batches, config.batch_size, config.learning_rate) == (40, 200, 128, 1e-3)
    assert (config.optimizer, config.momentum, config.weight_decay, config.average_epochs) == ("sgd", 0.9, 1e-4, 1)
    assert all(setting.metadata["help"] for setting in fields(TuneConfig))


@pytest.mark.parametrize(("masked", "warned"), [(9, False), (10, True)])
def test_only_more_than_nine_masked_neurons_in_ten_are_warned_about(data, masked: int, warned: bool) -> None:
    always = np.arange(11) < masked  # 82 and 91 %
    result = neurontune(*data, QUICK, always=always, never=~always)
    assert any("of the neurons are masked" in sentence for sentence in result.warnings) == warned
