"""Advice beside a run: asked, kept, taken as a run, repeated from the command line, and shown on the screen."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from neurontune_core import LinearHead, TuneConfig, neurontune
from neurontune_core.advise import advise
from neurontune_core.advise.sentences import evidence, sentence
from neurontune_core.cli import app
from neurontune_core.cli.command import tune_command
from neurontune_core.errors import InputError
from neurontune_core.export.card import TunedRun, model_card
from neurontune_core.session.background_run import BackgroundAdvice
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run
from neurontune_core.workspace.workspace import Workspace
from pages.parts.frame.words import plain
from tests.support.pages import adviser, opened, text_of
from tests.support.projects import CORE, SHORTCUT, write_project

CONFIG = TuneConfig(epochs=4, batches=10, threshold=0.25, seed=2)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    workspace = Workspace(tmp_path)
    write_project(workspace.new_folder("birds"))
    return workspace


def saved_run(project: Project) -> Run:
    sets = [project.load_set(role) for role in ("identification", "tuning")]
    tuned = neurontune(project.load_head(), *sets, CONFIG)
    off = neurontune(project.load_head(), *sets, TuneConfig(epochs=4, batches=10, masking=False))
    return project.save_run(tuned, off, "train", project.journal.verdicts())


def asked(project: Project, run: Run) -> BackgroundAdvice:
    live = BackgroundAdvice(Diagnosis(project), run)
    live.wait(120)
    assert not live.running
    return live


def test_what_is_kept_is_what_the_core_says(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = saved_run(project)
    assert run.advice is None
    assert run.advised_head is None
    live = asked(project, run)
    assert (live.error, live.share) == ("", 1.0)
    expected = advise(project.load_head(), project.load_set("identification"), project.load_set("tuning"), CONFIG)
    kept = project.run(run.id).advice
    assert kept is not None
    assert kept.sentence == sentence(expected)
    assert list(kept.heads)[kept.chosen] == kept.method
    assert run.advised_head is not None
    np.testing.assert_array_equal(run.advised_head.weight, expected.head.weight)


def test_verdicts_of_the_run_hold_in_the_advice(workspace: Workspace) -> None:
    project = workspace.open("birds")
    project.journal.judge([CORE], "spurious")
    project.journal.judge([SHORTCUT], "core")
    run = saved_run(project)
    project.journal.judge([CORE, SHORTCUT], "unsure")
    asked(project, run)
    always, never = (np.arange(12) == neuron for neuron in (CORE, SHORTCUT))
    sets = project.load_set("identification"), project.load_set("tuning")
    expected = advise(project.load_head(), *sets, CONFIG, always=always, never=never)
    assert run.advice is not None
    assert list(run.advice.evidence) == evidence(expected)
    for one_sided in ({"always": always}, {"never": never}):
        assert evidence(advise(project.load_head(), *sets, CONFIG, **one_sided)) != evidence(expected)


def test_stopped_advice_is_a_sentence_and_leaves_nothing(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = saved_run(project)
    live = BackgroundAdvice(Diagnosis(project), run)
    live.stop()
    live.wait(60)
    assert live.error == "The advice was stopped before it was ready."
    assert run.advice is None


def test_the_advised_head_becomes_a_run_of_its_own(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = saved_run(project)
    with pytest.raises(InputError, match="was not asked"):
        project.take_advice(run)
    asked(project, run)
    taken = project.take_advice(run)
    assert [each.id for each in project.runs()] == [taken.id, run.id]
    assert (taken.advised, taken.method) == (run.id, "advised head")
    assert (run.advised, run.method) == ("", "NeuronTune")
    assert run.advised_head is not None
    np.testing.assert_array_equal(taken.head.weight, run.advised_head.weight)
    np.testing.assert_array_equal(taken.off_head.weight, run.off_head.weight)
    assert not taken.head.weight[:, taken.mask.biased].any()
    assert taken.advice == run.advice
    assert project.take_advice(run).id == taken.id
    assert len(project.runs()) == 2


def test_the_advised_head_is_taken_at_once_where_that_is_wanted(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = saved_run(project)
    live = BackgroundAdvice(Diagnosis(project), run, take=True)
    live.wait(120)
    assert live.taken is not None
    assert (live.taken.id, live.taken.advised) == (project.runs()[0].id, run.id)


def test_damaged_advice_is_none(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = saved_run(project)
    for damage in ("nothing", "[]", '{"title": 1}'):
        (run.folder / "advice.json").write_text(damage)
        assert run.advice is None


def test_the_command_of_an_advised_run_gives_the_same_head(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = workspace.open("birds")
    project.journal.judge([SHORTCUT], "spurious")
    run = saved_run(project)
    asked(project, run)
    taken = project.take_advice(run)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(tune_command(project, taken))
    assert words[:2] == ["neurontune", "advise"]
    done = CliRunner().invoke(app, [*words[1:], "--json"])
    assert done.exit_code == 0, done.stderr
    np.testing.assert_array_equal(LinearHead.load("tuned/head.safetensors").weight, taken.head.weight)
    value, kept = json.loads(done.stdout), taken.advice
    assert kept is not None
    assert value["sentence"] == kept.sentence
    assert value["evidence"] == list(kept.evidence)
    assert json.loads(Path("tuned/advice.json").read_text()) == value


def test_the_verb_prints_case_sentence_and_table_and_refuses_with_one_sentence(workspace: Workspace) -> None:
    project = workspace.open("birds")
    sets = [str(project.set_folder(role)) for role in ("identification", "tuning")]
    words = ["advise", "--identification", sets[0], "--tuning", sets[1], "--epochs", "4", "--batches", "10"]
    shown = CliRunner().invoke(app, [*words, "--head", str(project.head_file)])
    assert shown.exit_code == 0
    assert "On your data: " in shown.stdout
    assert "because val holds more counter-examples than train" in shown.stdout
    assert shown.stdout.count("\nno masking, on ") == 2
    refused = CliRunner().invoke(app, [*words, "--head", "nowhere.safetensors"])
    assert refused.exit_code == 2
    assert refused.stderr == "There is no head file nowhere.safetensors.\n"


def test_the_card_of_an_advised_head_says_who_chose_it(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = saved_run(project)
    asked(project, run)
    taken, test = project.take_advice(run), project.load_set("evaluation")
    assert taken.advice is not None
    facts = TunedRun(
        project.load_head(), taken.head, taken.mask, taken.config, test, masking_off=taken.off_head,
        advised=taken.advice.sentence,
    )  # fmt: skip
    card = model_card(facts, {})
    assert "last layer retrained by the adviser" in card
    assert "| Advised | On your data: " in card
    assert "chosen by the highest SFit" not in card


def test_the_screen_asks_tells_and_takes(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run = saved_run(project)
    shown = opened("birds", "retrain")
    assert "not computed yet" in str(shown.dataframe[0].value)
    shown.button(key="ask").click().run()
    adviser(shown).wait(120)
    shown.run()
    advice = run.advice
    assert advice is not None
    assert f"**On your data: {plain(advice.what)}**, because" in text_of(shown)
    assert all(plain(reason) in text_of(shown) for reason in advice.reasons)
    assert len(shown.dataframe[1].value) == len(advice.heads)
    head, test = run.advised_head, project.load_set("evaluation")
    assert head is not None
    assert test.groups is not None
    right = head.predict(test.embeddings) == test.labels
    worst = min(right[test.groups == group].mean() for group in range(4))
    results = shown.dataframe[0].value.set_index("")
    assert results.loc["advised head", "worst group"] == f"{100 * worst:.1f} %"
    shown.button(key="take").click().run()
    assert not shown.exception
    assert shown.session_state["run"] == project.runs()[0].id != run.id
    assert "The advised head is chosen" in text_of(shown)
    assert set(shown.dataframe[0].value[""]) == {"ERM", "mask alone", "No masking", "NeuronTune", "advised head"}
    for page in ("overview", "check", "groups", "export"):
        assert not opened("birds", page).error


def test_names_from_elsewhere_mean_nothing_to_markdown() -> None:
    assert plain("a*b* <i> $x$ :red[y] `z`") == r"a\*b\* \<i\> \$x\$ \:red\[y\] \`z\`"
