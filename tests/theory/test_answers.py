"""Answers of the theory: each number stands in its own row, and nothing in a file is read as HTML."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.errors import InputError
from neurontune_core.theory import CLAIMS, DataModel, report
from neurontune_core.theory.answers import Answer, as_html
from neurontune_core.theory.data_model import CORE, INPUTS
from neurontune_core.theory.neuron_scores import neuron_scores, random_first_layers
from neurontune_core.theory.removal import remove_neurons


def test_each_class_has_the_line_of_its_own_scores() -> None:
    model = DataModel(0.85, 0.8, 0.2)
    scored, answer = neuron_scores(model, 30, 2), report.scores(model, 30, 2)
    lines = {}
    for label, name in ((1, "+mu"), (0, "-mu")):
        slope, _ = np.polyfit(scored.predicted[label], scored.signed[label], 1)
        correlation = np.corrcoef(scored.predicted[label], scored.signed[label])[0, 1]
        assert answer.numbers["lines"][name] == pytest.approx({"slope": slope, "correlation": correlation})
        lines[name] = {"slope": f"{slope:.2f}", "correlation r": f"{correlation:.3f}"}
    assert lines["+mu"] != lines["-mu"]
    assert answer.rows == [{"class": "y = +μ"} | lines["+mu"], {"class": "y = −μ"} | lines["-mu"]]


def test_a_class_without_mistakes_has_no_scores_even_where_the_other_has_some() -> None:
    model, samples, one_sided = DataModel(0.97, 0.5, 0.1), 100, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        random_first_layers(1, INPUTS, rng)  # drawn before the sample
        inputs, answers = model.classification_sample(samples, rng)
        wrong = np.sign(inputs @ model.classification_optimum()) != np.sign(answers)
        mistakes = [int((wrong & (answers == sign)).sum()) for sign in (-1, 1)]
        if min(mistakes) > 0:
            assert neuron_scores(model, INPUTS, seed, samples).mistakes == sum(mistakes)
            continue
        one_sided += max(mistakes) > 0
        with pytest.raises(InputError, match="every one of 100 samples of a class right"):
            neuron_scores(model, INPUTS, seed, samples)
    assert one_sided > 3


def test_as_many_spared_neurons_as_inputs_span_them() -> None:
    first = random_first_layers(200, 20, np.random.default_rng(4))
    ranks = [np.linalg.matrix_rank(each[each[:, CORE] >= 0]) for each in first]
    assert remove_neurons(DataModel(), 20, seed=4, networks=200).spanning == np.mean(np.array(ranks) == INPUTS)


def test_a_file_shows_signs_of_html_as_they_are_written() -> None:
    answer = Answer("lemma", {}, [{"<i>head": "<script>cell</script>"}], "a < b & c", {})
    page = as_html(answer)
    assert "<i>" not in page
    assert "<script" not in page
    for text in ("&lt;i&gt;head", "&lt;script&gt;cell&lt;/script&gt;", "a &lt; b &amp; c", CLAIMS["lemma"].stops):
        assert text in page
