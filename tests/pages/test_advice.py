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
from neurontune_core.cli.command import head_command
from neurontune_core.export.card import model_card
from neurontune_core.session.background_run import BackgroundAdvice
from neurontune_core.session.bundle_facts import bundle_facts
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.named_heads import NAMES, named_head
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run
from neurontune_core.workspace.workspace import Workspace
from pages.parts.frame.words import plain
from tests.support.pages import ROUTER, adviser, metrics, opened, retrained, text_of
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
    named = named_head(Diagnosis(project), "advised", run=run)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(head_command(project, named))
    assert words[:2] == ["neurontune", "advise"]
    done = CliRunner().invoke(app, [*words[1:], "--json"])
    assert done.exit_code == 0, done.stderr
    np.testing.assert_array_equal(LinearHead.load("tuned/head.safetensors").weight, named.head.weight)
    value, kept = json.loads(done.stdout), run.advice
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
    diagnosis = Diagnosis(project)
    facts = bundle_facts(diagnosis, named_head(diagnosis, "advised", run=run), diagnosis.samples("evaluation"))
    card = model_card(facts, {})
    assert card.startswith("# Land or water?: advised head\n")
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
    best = {
        kind: max(worst for name, (worst, *_) in zip(advice.heads, advice.worst_class, strict=True) if kind in name)
        for kind in ("your head", "the mask alone", "no masking")
    }
    for kind, name in (("your head",) * 2, ("the mask alone",) * 2, ("no masking", "without one")):
        assert f"{name} {100 * best[kind]:.0f} %" in text_of(shown).replace("\u202f", " ")
    head, test = run.advised_head, project.load_set("evaluation")
    assert head is not None
    assert test.groups is not None
    right = head.predict(test.embeddings) == test.labels
    worst = min(right[test.groups == group].mean() for group in range(4))
    results = shown.dataframe[0].value.set_index("")
    assert results.loc["Advised", "worst group"] == f"{100 * worst:.1f} %"
    assert list(results.index) == ["Trained", "Mask alone", "No masking", "Retrained", "Advised"]
    assert shown.session_state["head"] == "Retrained"  # what was asked for, until the person takes the advice
    shown.button(key="take").click().run()
    assert not shown.exception
    assert shown.session_state["head"] == "Advised"
    assert "The advised head is chosen" in text_of(shown)
    for page in ("overview", "check", "groups", "export"):
        assert not opened("birds", page).error
    shown.button(key="undo").click().run()
    assert shown.session_state["head"] == "Retrained"
    shown.button(key="redo").click().run()
    assert shown.session_state["head"] == "Advised"


def test_where_no_masking_does_better_the_screen_says_so_and_offers_it(workspace: Workspace) -> None:
    project = workspace.open("birds")
    run, test = saved_run(project), project.load_set("evaluation")
    perfect = LinearHead([[0.0] * 12, [1.0] + [0.0] * 11], [0.6, 0.0])  # by the core neuron alone
    perfect.save(run.folder / "masking_off.safetensors")
    LinearHead(np.zeros((2, 12)), [1.0, 0.0]).save(run.folder / "head.safetensors")
    assert test.groups is not None
    right = perfect.predict(test.embeddings) == test.labels
    worst = min(right[test.groups == group].mean() for group in range(4))
    shown = opened("birds", "neurons")
    assert f"worst group {100 * worst:.1f} % against 0.0 %" in text_of(shown)
    shown.button(key="use-no-masking").click().run()
    assert shown.session_state["head"] == "No masking"
    choice = project.journal.choice()
    assert choice is not None
    assert (choice.head_before, choice.head_after) == ("retrained", "masking-off")
    perfect.save(run.folder / "head.safetensors")  # equal: nothing to say
    assert "does better than the mask" not in text_of(opened("birds", "neurons"))


def test_the_chosen_head_is_the_one_that_every_screen_shows_and_export_writes(workspace: Workspace) -> None:
    project = workspace.open("birds")
    project.journal.judge([SHORTCUT], "spurious")
    run = saved_run(project)
    for key in ("trained", "mask", "masking-off", "retrained"):
        name = NAMES[key]  # type: ignore[index]
        shown = opened("birds", "check", head=name)
        assert shown.session_state["head"] == name
        assert shown.selectbox(key="after").value == name
        shown.switch_page(str(ROUTER.with_name("export.py"))).run()
        assert f"#### {name}" in text_of(shown)
        shown.button(key="prepare").click().run(timeout=120)
        named = named_head(Diagnosis(project), key, run=run)  # type: ignore[arg-type]
        folder = project.export_folder(key, named.head, project.load_set("evaluation"))
        np.testing.assert_array_equal(LinearHead.load(folder / "head.safetensors").weight, named.head.weight)
        assert f"Average · {name}" in metrics(shown.switch_page(str(ROUTER.with_name("neurons.py"))).run())


def test_a_judged_neuron_makes_the_mask_the_chosen_head_where_the_trained_one_was(workspace: Workspace) -> None:
    shown = opened("birds", "neurons")
    assert shown.session_state["head"] == "Trained"
    shown.button(key="judge-spurious").click().run()
    assert shown.session_state["head"] == "Mask alone"
    assert opened("birds", "export").session_state["head"] == "Mask alone"  # a new session


def test_a_new_session_begins_with_the_mask_settings_of_the_project(workspace: Workspace) -> None:
    shown = opened("birds", "neurons")
    shown.slider(key="threshold").set_value(0.2).run()
    shown.slider(key="mask").set_value(0.5).run()
    again = opened("birds", "neurons")
    assert (again.slider(key="threshold").value, again.slider(key="mask").value) == (0.2, 0.5)
    by_link = opened("birds", "neurons", threshold="0.1")
    assert by_link.slider(key="threshold").value == 0.1


def test_a_preset_fills_the_form_and_is_what_the_next_retraining_uses(workspace: Workspace) -> None:
    shown = opened("birds", "retrain", adviser="false", seed="7")
    shown.button(key="preset-robust").click().run()
    shown.number_input(key="epochs").set_value(4).run()
    retrained(shown)
    (run,) = workspace.open("birds").runs()
    assert (run.config.select, run.config.stability, run.config.seed, run.config.epochs) == ("robust", 2.0, 0, 4)
    assert "robust: late epochs averaged" in text_of(shown)
    shown.button(key="preset-paper").click().run()
    retrained(shown)
    assert workspace.open("birds").runs()[0].config == TuneConfig()


def test_the_presets_of_table_10_set_the_optimizer_too(workspace: Workspace) -> None:
    shown = opened("birds", "retrain", adviser="false")
    shown.button(key="preset-multinli").click().run()
    assert shown.selectbox(key="optimizer").value == "adamw"
    shown.number_input(key="epochs").set_value(2).run()
    retrained(shown)
    (run,) = workspace.open("birds").runs()
    assert (run.config.optimizer, run.config.learning_rate, run.config.epochs) == ("adamw", 1e-5, 2)
    linked = opened("birds", "retrain", optimizer="adamw", adviser="false")
    assert linked.selectbox(key="optimizer").value == "adamw"


def test_a_threshold_from_an_extraction_with_higher_scores_becomes_the_highest_one(workspace: Workspace) -> None:
    workspace.open("birds").journal.move("threshold", 0.0, 50.0)
    shown = opened("birds", "neurons")
    assert shown.slider(key="threshold").value == shown.slider(key="threshold").max < 50
    assert "#### 0 of 12 masked" in text_of(shown)
