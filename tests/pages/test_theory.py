"""The Theory lab as it is met: on the screen, on the command line and in a file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from neurontune_core.cli import app
from neurontune_core.theory import (
    CLAIMS,
    DataModel,
    exact,
    exact_majority,
    lemma_curves,
    neuron_scores,
    remove_neurons,
    run_experiment,
    summarize,
)
from neurontune_core.theory.figures import decision_boundary, lemma_weights, removal_distances, score_lines
from neurontune_core.workspace.workspace import Workspace
from tests.support.paths import ROUTER
from tests.support.projects import write_project


def opened(**address: str) -> AppTest:
    test = AppTest.from_file(ROUTER, default_timeout=60)
    for key, value in address.items():
        test.query_params[key] = value
    test.run()
    test.switch_page(str(ROUTER.with_name("theory.py"))).run()
    assert not test.exception
    return test


def text_of(test: AppTest) -> str:
    return "\n".join(
        str(each.value) for kind in ("subheader", "markdown", "caption", "info") for each in getattr(test, kind)
    )


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["theory", *map(str, arguments)])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return Workspace(tmp_path)


@pytest.mark.parametrize("key", CLAIMS)
def test_every_claim_opens_from_its_address_and_says_where_it_stops(key: str) -> None:
    shown = opened(claim=CLAIMS[key].name)
    assert not shown.error
    assert not shown.info
    for sentence in (CLAIMS[key].title, CLAIMS[key].shows, CLAIMS[key].stops):
        assert sentence in text_of(shown)


def test_it_opens_without_a_project_that_can_be_read(home: Workspace) -> None:
    folder = home.new_folder("birds")
    write_project(folder)
    (folder / "embeddings" / "val" / "embeddings.npy").write_bytes(b"nothing")
    shown = opened(project="birds")
    assert "cannot be read" in shown.sidebar.error[0].value
    assert CLAIMS["lemma"].shows in text_of(shown)


def test_sliders_move_the_weights() -> None:
    shown = opened()
    shown.slider(key="p").set_value(0.8)
    shown.slider(key="eta_core").set_value(2.0).run()
    table = shown.dataframe[0].value.set_index("weight on")
    assert float(table.loc["exact", "the shortcut"]) == pytest.approx(exact(DataModel(0.8, 2.0)).spurious, abs=5e-4)


def test_without_mistakes_there_is_a_sentence_instead_of_a_chart() -> None:
    shown = opened(claim="Scores", p="1.0")
    assert "no mistakes to score neurons by" in text_of(shown)
    assert not shown.error


def test_the_summary_on_the_screen_is_that_of_the_core() -> None:
    shown = opened(claim="Experiment")
    shown.toggle(key="summary").set_value(True).run()
    table = next(each.value for each in shown.dataframe if "worst group" in each.value)
    spread = summarize(20).worst_group_accuracy["before", "training"]
    assert table["worst group"][0] == f"{100 * spread.mean:.1f} ± {100 * spread.sd:.1f} %"


def test_the_verb_gives_the_numbers_and_the_words() -> None:
    answer = call("lemma", "--p", 0.7)
    assert answer.exit_code == 0
    assert CLAIMS["lemma"].stops in answer.stdout
    value = json.loads(call("lemma", "--p", 0.7, "--json").stdout)
    assert value["weights"]["exact"] == pytest.approx(exact(DataModel(0.7))._asdict())
    scores = json.loads(call("scores", "--neurons", 40, "--json").stdout)
    assert scores["lines"]["+mu"]["slope"] == pytest.approx(neuron_scores(DataModel(), 40).line(1).slope)
    removed = json.loads(call("removal", "--neurons", 12, "--retrain", "--json").stdout)
    removal = remove_neurons(DataModel(), 12, retrain=True)
    assert removed["removed"]["selected"]["distance"] == np.median(removal.selected.distance)
    few = json.loads(call("synthetic", "--seeds", 2, "--json").stdout)
    assert few["heads"]["after, test"]["accuracy"]["mean"] == summarize(2).accuracy["after", "test"].mean


def test_the_verb_answers_the_other_lemmas(tmp_path: Path) -> None:
    majority = json.loads(call("majority", "--p", 0.9, "--json").stdout)["shares"]
    assert majority["exact"] == pytest.approx(exact_majority(DataModel(0.9))._asdict())
    principle = json.loads(call("principle", "--neurons", 40, "--json").stdout)
    assert principle["selected"] + principle["selected_after_turning"] == 40
    weighted = json.loads(call("retraining", "--p-re", 0.9, "--weight", 9, "--json").stdout)
    assert weighted["effective_agreement"] == pytest.approx(0.5)
    assert weighted["weights"]["re-weighted, exact"]["spurious"] == pytest.approx(0, abs=1e-9)
    assert "weight of the misled samples" in call("retraining", "--p-re", 0.9, "--weight", 30).stderr
    alike = json.loads(call("removal", "--premise", "--neurons", 40, "--json").stdout)
    assert alike["removed"]["selected"]["accuracy"] == pytest.approx(0.5)
    proof = json.loads(call("lemma", "--json").stdout)
    assert proof["bound"] < proof["loss"]["exact"] < proof["loss"]["as printed"]
    assert proof["weights"]["gradient descent"]["spurious"] == pytest.approx(exact(DataModel()).spurious, abs=0.01)
    file = tmp_path / "retraining.html"
    assert call("retraining", "--html", file).exit_code == 0
    assert CLAIMS["retraining"].why.split(";")[0] in file.read_text(encoding="utf-8")


def test_a_file_opens_without_a_network(tmp_path: Path) -> None:
    file = tmp_path / "experiment.html"
    assert call("synthetic", "--seed", 4, "--html", file).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert CLAIMS["synthetic"].stops in text
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)
    assert text.count('class="plotly-graph-div"') == 5
    assert file.stat().st_size <= 5_000_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("lemma", "--p", 2), "Expected p between 0.5 and 1, but got 2."),
        (("synthetic", "--seeds", 3, "--html", "x.html"), "A summary over seeds has no figure"),
    ],
)
def test_the_verb_refuses_in_a_sentence(arguments: tuple, sentence: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_both_formulas_and_the_fits_are_drawn() -> None:
    curves = lemma_curves(1.0, 0.1, samples=1000)
    figure = lemma_weights(curves, 0.8)
    drawn = {trace.name: trace for trace in figure.data}
    np.testing.assert_allclose(drawn["shortcut, exact"].y, curves.exact[:, 1], rtol=1e-6)
    np.testing.assert_allclose(drawn["core, as printed"].y, curves.printed[:, 0], rtol=1e-6)
    np.testing.assert_allclose(drawn["core, least squares"].y, curves.fitted[:, 0], rtol=1e-6)
    assert figure.layout.shapes[0].x0 == 0.8


def test_scores_are_drawn_over_what_the_theorem_predicts() -> None:
    scores = neuron_scores(DataModel(), 20, samples=4000)
    rising, falling, plus, minus = score_lines(scores).data
    assert (rising.y[1] > rising.y[0], falling.y[1] > falling.y[0]) == (True, False)
    np.testing.assert_allclose(plus.x, scores.predicted[1], rtol=1e-6)
    np.testing.assert_array_equal(minus.y, scores.signed[0])
    np.testing.assert_array_equal(score_lines(scores, absolute=True).data[2].y, scores.absolute[1])


def test_shares_of_networks_add_up_to_all_but_the_farthest() -> None:
    figure = removal_distances(remove_neurons(DataModel(), 40, networks=400))
    assert all(96 <= sum(trace.y) <= 100.01 for trace in figure.data)


def test_the_boundary_parts_what_is_called_one_class_from_the_other() -> None:
    experiment = run_experiment(0)
    line = decision_boundary(experiment.test, experiment.before, "before").data[-1]
    on_line = np.column_stack([line.x, line.y, np.zeros(2)])
    logits = experiment.before.logits(on_line.astype(np.float32))
    np.testing.assert_allclose(logits[:, 0], logits[:, 1], atol=1e-4)
    upright = decision_boundary(experiment.test, experiment.after, "after").data[-1]
    assert upright.x[0] == pytest.approx(upright.x[1])
    spurious_alone = replace(experiment.before, weight=experiment.before.weight * [0, 1, 0])
    level = decision_boundary(experiment.test, spurious_alone, "spurious alone").data[-1]
    assert level.y[0] == pytest.approx(level.y[1])
