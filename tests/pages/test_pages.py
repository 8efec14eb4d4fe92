"""The logic of the screens, without a browser: what each says in ordinary and in odd projects."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core import LinearHead, TuneConfig
from neurontune_core.advise import Advice, advise
from neurontune_core.session import background_run
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import Workspace
from pages.parts.frame import state
from pages.parts.frame.words import plain
from tests.support import odd_projects
from tests.support.pages import adviser, metrics, opened, retrained, save_run, text_of
from tests.support.paths import ROUTER
from tests.support.projects import CORE, NEURONS, SHORTCUT, write_project

PAGES = ("overview", "neurons", "retrain", "check", "compare", "ablations", "groups", "export", "setup")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return Workspace(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_a_project_of_vectors_alone_has_every_screen(workspace: Workspace, page: str) -> None:
    write_project(workspace.new_folder("birds"))
    save_run(workspace.open("birds"))
    assert not opened("birds", page).error


def test_overview_shows_the_worst_group_that_numpy_finds(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    head, test = workspace.open("birds").load_head(), sets["test"]
    right = (test.embeddings @ head.weight.T + head.bias).argmax(axis=1) == test.labels
    assert test.groups is not None
    worst = min(right[test.groups == group].mean() for group in range(4))
    assert metrics(opened("birds"))["Trained"] == f"{100 * worst:.1f} %"


def test_without_groups_the_screens_speak_of_classes(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"), groups=False)
    shown = opened("birds")
    assert "**Worst class** on test, by head" in text_of(shown)
    assert "gap" not in text_of(shown)
    assert "worst group" not in text_of(shown)


def test_threshold_and_verdict_change_the_number_masked(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    delta = _delta(workspace.open("birds"))
    shown = opened("birds", "neurons", order="paper")
    assert f"#### {(delta > 0).any(axis=0).sum()} of {NEURONS} masked" in text_of(shown)
    value = float(np.sort(delta.max(axis=0))[-2])
    shown.slider(key="threshold").set_value(value).run()
    assert f"#### 1 of {NEURONS} masked" in text_of(shown)
    assert shown.number_input(key="neuron").value == SHORTCUT
    shown.button(key="judge-core").click().run()
    assert f"#### 0 of {NEURONS} masked" in text_of(shown)
    assert workspace.open("birds").journal.verdicts() == {SHORTCUT: "core"}
    shown.switch_page(str(ROUTER.with_name("overview.py"))).run()
    shown.button(key="undo").click().run()
    assert workspace.open("birds").journal.verdicts() == {}
    shown.button(key="redo").click().run()
    assert workspace.open("birds").journal.verdicts() == {SHORTCUT: "core"}


def test_slider_moves_are_undone_and_redone_in_turn_with_verdicts_from_any_screen(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    shown = opened("birds", "neurons")
    first, second = shown.slider(key="threshold"), shown.slider(key="mask")
    first.set_value(0.2).run()
    shown.button(key="judge-core").click().run()
    second.set_value(0.5).run()
    neuron = shown.number_input(key="neuron").value
    shown.switch_page(str(ROUTER.with_name("overview.py"))).run()

    def state() -> tuple[float, float, dict]:
        journal = workspace.open("birds").journal
        return shown.slider(key="threshold").value, shown.slider(key="mask").value, journal.verdicts()

    states = [(0.0, 0.0, {}), (0.2, 0.0, {}), (0.2, 0.0, {neuron: "core"}), (0.2, 0.5, {neuron: "core"})]
    assert state() == states[3]
    for place in (2, 1, 0):
        shown.button(key="undo").click().run()
        assert state() == states[place]
    assert shown.button(key="undo").disabled
    for place in (1, 2, 3):
        shown.button(key="redo").click().run()
        assert state() == states[place]
    assert shown.button(key="redo").disabled


def _delta(project: Project) -> np.ndarray:
    each, head = project.load_set("identification"), project.load_head()
    predictions = (each.embeddings @ head.weight.T + head.bias).argmax(axis=1)
    rows = []
    for label in range(2):
        mine, right = each.labels == label, predictions == each.labels
        medians = [np.median(np.abs(each.embeddings[mine & outcome]), axis=0) for outcome in (~right, right)]
        rows.append(medians[0] - medians[1])
    return np.array(rows)


def test_stable_neurons_are_masked_by_one_click_which_is_undone_like_a_move_of_a_slider(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    diagnosis = state.open_diagnosis("birds")
    halves = diagnosis.half_scores(wait=60)
    assert halves is not None
    agreement = halves.agreement(0.0)
    everything, stable = (int(diagnosis.masked_neurons(0.0, errors).sum()) for errors in (0.0, 2.0))
    assert stable < everything
    shown = opened("birds", "neurons")
    sentence = f"agree on **{agreement.shared:.0%}** of these neurons; chance gives {agreement.by_chance:.0%}."
    assert sentence in text_of(shown)
    assert f"#### {everything} of {NEURONS} masked" in text_of(shown)
    assert shown.button(key="mask_stable").label == f"Mask only the {stable} stable neurons"
    shown.button(key="mask_stable").click().run()
    assert f"#### {stable} of {NEURONS} masked" in text_of(shown)
    assert f"{stable} by score, by two standard errors." in text_of(shown)
    assert "mask_stable" not in {button.key for button in shown.button}
    assert shown.toggle(key="stable").value
    assert project.journal.settings() == {"stability": 2.0}
    again = opened("birds")  # another session
    assert again.toggle(key="stable").value
    split = MeasuredSplit(diagnosis.project, diagnosis.erm, diagnosis.samples("test"))
    masked = np.where(diagnosis.masked_neurons(0.0, 2.0), 0.0, 1.0)
    worst = split.evaluate(diagnosis.erm.masked(masked)).worst_group
    assert worst is not None
    assert metrics(again)["Mask alone"] == f"{100 * worst.accuracy:.1f} %"
    shown.button(key="undo").click().run()
    assert f"#### {everything} of {NEURONS} masked" in text_of(shown)
    assert not shown.toggle(key="stable").value
    shown.button(key="redo").click().run()
    assert shown.toggle(key="stable").value
    shown.toggle(key="stable").set_value(False).run()
    assert project.journal.settings().get("stability", 0.0) == 0.0  # steps within 1.5 s are one move


def test_a_retraining_masks_only_stable_neurons_where_the_sidebar_says_so(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    shown = opened("birds", epochs="2", adviser="false", stable="true")
    retrained(shown)
    run = project.runs()[0]
    assert (run.config.stability, run.config.select) == (2.0, "sfit")
    stable = state.open_diagnosis("birds").masked_neurons(0.0, 2.0)
    assert run.history[0].num_biased == stable.sum()
    changed = "have changed since this retraining"
    assert changed not in text_of(shown)
    shown.toggle(key="stable").set_value(False).run()
    assert changed in text_of(shown)


def test_a_robust_run_says_what_its_mask_has_to_do_with_the_one_on_screen(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    diagnosis = state.open_diagnosis("birds")
    everything, stable = (int(diagnosis.masked_neurons(0.0, errors).sum()) for errors in (0.0, 2.0))
    shown = opened("birds", "retrain", adviser="false")
    shown.button(key="preset-robust").click().run()
    assert f"the stable part of the mask on screen: {stable} of {everything} neurons." in text_of(shown)
    retrained(shown)
    run = workspace.open("birds").runs()[0]
    assert (run.config.select, run.config.stability) == ("robust", 2.0)
    on_screen, masked = diagnosis.masked_neurons(0.0), run.mask.biased
    if np.array_equal(masked, diagnosis.masked_neurons(0.0, 2.0)):
        expected = f"Robust kept the stable part of the mask on screen: {stable} of {everything} neurons."
    else:
        expected = (
            f"{masked.sum()} neurons, {(masked & on_screen).sum()} of them among the {everything} masked on screen."
        )
    assert expected in text_of(shown)
    assert "have changed since this retraining" not in text_of(shown)


def test_the_masked_number_is_measured_before_any_retraining(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    shown = opened("birds", "neurons")
    keep = ~(_delta(project) > 0).any(axis=0)
    head, test = project.load_head(), sets["test"]
    right = ((test.embeddings * keep) @ head.weight.T + head.bias).argmax(axis=1) == test.labels
    assert test.groups is not None
    worst = min(right[test.groups == group].mean() for group in range(4))
    assert metrics(shown)["Mask alone"] == f"{100 * worst:.1f} %"


def test_retraining_stays_on_the_screen_and_shows_both_heads_and_what_they_changed(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    shown = opened("birds", "retrain")
    shown.number_input(key="epochs").set_value(3).run()
    shown.toggle(key="adviser").set_value(False).run()
    shown.switch_page(str(ROUTER.with_name("neurons.py"))).run()
    shown.slider(key="threshold").set_value(0.2).run()
    retrained(shown)
    assert [each.value for each in shown.title] == ["Neurons"]
    (run,) = workspace.open("birds").runs()
    assert (run.config.threshold, run.config.epochs, len(run.history)) == (0.2, 3, 3)
    test = sets["test"]
    assert test.groups is not None
    heads = {"No masking": run.off_head, "Retrained": run.head}
    right = {name: head.predict(test.embeddings) == test.labels for name, head in heads.items()}
    for name, hits in right.items():
        worst = min(hits[test.groups == group].mean() for group in range(4))
        assert metrics(shown)[name] == f"{100 * worst:.1f} %"
    before, after = workspace.open("birds").load_head().predict(test.embeddings) == test.labels, right["Retrained"]
    changed = f"**{(~before & after).sum()}** corrected, **{(before & ~after).sum()}** newly wrong of 240."
    assert f"**Retrained** on test: {changed}" in text_of(shown)
    assert (before != after).any()


@pytest.fixture
def may_advise(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Let the adviser begin once this is set, and retrain for two epochs, whatever the run took that it is asked
    about."""
    permission = Event()

    def brief(head: Any, identification: Any, tuning: Any, config: TuneConfig, **options: Any) -> Advice:
        assert permission.wait(60)
        return advise(head, identification, tuning, replace(config, epochs=2), **options)

    monkeypatch.setattr("neurontune_core.session.background_run.advise", brief)
    return permission


@pytest.mark.long
def test_a_session_that_begins_during_a_retraining_goes_on_with_it(workspace: Workspace, may_advise: Event) -> None:
    write_project(workspace.new_folder("birds"))
    before = opened("birds", epochs="1000")
    before.button(key="retrain").click().run()
    live = before.session_state["live"]
    assert live.running
    after = opened("birds", "neurons")
    assert after.session_state["live"] is live
    assert after.button(key="retrain").disabled
    after.button(key="stop").click().run()
    live.wait(60)
    after.run()
    assert live.run.id == after.session_state["run"]
    asked = adviser(after)
    before.run()
    assert adviser(before) is asked  # once, whoever looks on
    may_advise.set()
    asked.wait(120)
    for shown in (opened("birds"), after, before):  # each that has come while the end was not taken
        shown.run()
        assert (shown.session_state["run"], shown.session_state["head"]) == (live.run.id, "Retrained")
        assert "asked" not in shown.session_state
        assert shown.button(key="take")
    (run,) = workspace.open("birds").runs()
    assert run.advice is not None


def test_a_retraining_that_ended_while_nobody_looked_is_taken_by_the_next_session(
    workspace: Workspace, may_advise: Event
) -> None:
    write_project(workspace.new_folder("birds"))
    gone = opened("birds", epochs="1000")
    gone.button(key="retrain").click().run()
    live = gone.session_state["live"]
    live.stop()
    live.wait(60)
    shown = opened("birds", "check")
    assert shown.session_state["run"] == live.run.id
    may_advise.set()
    adviser(shown).wait(120)
    shown.run()
    assert workspace.open("birds").run(live.run.id).advice is not None
    assert (shown.session_state["run"], shown.session_state["head"]) == (live.run.id, "Retrained")
    later = opened("birds")  # all is taken, so that another head may be chosen
    assert not [key for key in ("live", "asked", "finished", "answered") if key in later.session_state]


def test_settings_in_the_address_count_on_a_screen_that_does_not_show_them(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    shown = opened(
        "birds", epochs="3", rate="0.01", batch="64", seed="5", select="last epoch", adviser="false",
        tuning="half of the identification split",
    )  # fmt: skip
    retrained(shown)
    (run,) = workspace.open("birds").runs()
    assert run.halves
    config = run.config
    assert (config.epochs, config.learning_rate, config.batch_size, config.seed) == (3, 0.01, 64, 5)
    assert config.select == "last"
    assert "asked" not in shown.session_state  # not to be asked
    assert (shown.session_state["run"], shown.session_state["head"]) == (run.id, "Retrained")


@pytest.mark.parametrize("screen", ["neurons", "retrain"])
def test_settings_in_the_address_that_make_no_sense_are_left_out(workspace: Workspace, screen: str) -> None:
    write_project(workspace.new_folder("birds"))
    shown = opened(
        "birds", screen, epochs="-5", rate="fast", batch="1e9", seed="nan", select="best", tuning="?", neuron="9999"
    )
    retrained(shown)
    assert workspace.open("birds").runs()[-1].config == TuneConfig()


@pytest.mark.long
def test_of_two_retrainings_in_a_row_the_later_one_is_advised_on(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    shown = opened("birds", "neurons")
    retrained(shown)
    earlier = adviser(shown)
    retrained(shown)
    asked = adviser(shown)
    assert asked is not earlier
    for each in (asked, earlier):
        each.wait(120)
    shown.run()
    newest, oldest = workspace.open("birds").runs()
    assert shown.session_state["run"] == newest.id == asked.run.id
    assert newest.advice is not None
    assert oldest.advice is None


def test_a_retraining_that_starts_while_the_adviser_thinks_about_an_earlier_one_ends_that_advice(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, advise = threading.Event(), background_run.advise

    def held_back(*args: Any, **named: Any) -> Any:
        release.wait(60)
        return advise(*args, **named)

    monkeypatch.setattr(background_run, "advise", held_back)
    write_project(workspace.new_folder("birds"))
    shown = opened("birds", "retrain", epochs="3")
    retrained(shown)
    earlier = shown.session_state["asked"]
    assert earlier.running
    shown.number_input(key="epochs").set_value(1000).run()
    shown.button(key="retrain").click().run()
    live = shown.session_state["live"]
    assert "asked" not in shown.session_state
    release.set()
    earlier.wait(120)
    shown.run()
    (run,) = workspace.open("birds").runs()
    assert run.id == earlier.run.id
    assert run.advice is None
    live.stop()
    live.wait(60)


@pytest.mark.long
def test_the_adviser_is_asked_about_the_project_that_was_retrained_whatever_is_open_by_then(
    workspace: Workspace,
) -> None:
    write_project(workspace.new_folder("birds"))
    odd_projects.a_thousand_classes(workspace.new_folder("other"))
    shown = opened("birds")
    shown.button(key="retrain").click().run()
    shown.selectbox(key="project").set_value("other").run()
    if "live" in shown.session_state:
        shown.session_state["live"].wait(60)
        shown.run()
    asked = adviser(shown)
    asked.wait(120)
    assert asked.error == ""
    (run,) = workspace.open("birds").runs()
    assert run.advice is not None
    assert workspace.open("other").runs() == []
    shown.run()
    assert not shown.exception
    assert shown.selectbox(key="project").value == "other"


def test_a_project_to_open_is_opened_though_the_browser_still_says_the_one_before(workspace: Workspace) -> None:
    for name in ("birds", "other"):
        write_project(workspace.new_folder(name), title=f"The {name}")
    shown = opened("birds", "setup")
    shown.session_state["opened"] = "other"
    shown.selectbox(key="project").set_value("birds").run()
    assert [each.value for each in shown.title] == ["The other"]
    assert shown.selectbox(key="project").value == "other"
    assert "opened" not in shown.session_state  # another may be chosen from now on


def test_a_model_without_mistakes_has_an_overview_and_a_sentence(workspace: Workspace) -> None:
    weight = np.zeros((2, NEURONS), dtype=np.float32)
    weight[1, CORE] = 1.0
    bias = np.array([0.0, -1e9], dtype=np.float32)
    folder = workspace.new_folder("perfect")
    sets = write_project(folder, head=LinearHead(weight, bias))
    for split in ("val", "test"):
        sets[split].take(np.flatnonzero(sets[split].labels == 0)).save(folder / "embeddings" / split)
    assert metrics(opened("perfect"))["Average · Trained"] == "100.0 %"
    for page in ("neurons", "retrain"):
        assert "makes no mistake on the identification set" in text_of(opened("perfect", page))


def test_a_project_without_a_head_says_why_and_setup_stays_open(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"), head=None)
    file = workspace.open("birds").source / "project.json"
    file.write_text(file.read_text().replace('"head.safetensors"', "null"))
    shown = opened("birds", "setup")
    assert "has no head" in text_of(shown)
    assert "Your own model and data" in text_of(shown)


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_set_is_a_sentence_on_every_screen(workspace: Workspace, page: str) -> None:
    folder = workspace.new_folder("birds")
    write_project(folder)
    (folder / "embeddings" / "val" / "embeddings.npy").write_bytes(b"nothing")
    assert "cannot be read" in text_of(opened("birds", page))


def test_damaged_verdicts_are_set_aside_and_said_once_and_the_project_opens(workspace: Workspace) -> None:
    folder = workspace.new_folder("birds")
    write_project(folder)
    (folder / "verdicts.json").write_text("[" * 5000)
    shown = opened("birds", "neurons")
    assert not shown.exception
    assert "set aside as verdicts.damaged-" in text_of(shown)
    assert "masked" in text_of(shown)
    assert "set aside" not in text_of(opened("birds", "neurons"))


def test_export_gives_the_command_that_repeats_the_run(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    save_run(workspace.open("birds"))
    shown = opened("birds", "export")
    shown.button(key="prepare").click().run(timeout=120)
    assert not shown.error
    assert "--threshold 0.25 --epochs 2 --batches 10" in shown.code[-1].value
    assert len(shown.get("download_button")) == 4  # vectors alone: no whole model


def test_check_counts_what_numpy_counts(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    save_run(project)
    run, test = project.runs()[0], sets["test"]
    mended = LinearHead([[0.0] * NEURONS, [1.0] + [0.0] * (NEURONS - 1)], [0.6, 0.0])  # looks at the core neuron alone
    mended.save(run.folder / "head.safetensors")
    right = [head.predict(test.embeddings) == test.labels for head in (project.load_head(), mended)]
    assert (~right[0] & right[1]).any()
    assert (right[0] & ~right[1]).any()
    shown = metrics(opened("birds", "check"))
    assert shown["corrected"] == str((~right[0] & right[1]).sum())
    assert shown["newly wrong"] == str((right[0] & ~right[1]).sum())


def test_a_note_stays_with_its_neuron_and_keeps_the_verdict(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    shown = opened("birds", "neurons", order="paper")
    shown.button(key="judge-spurious").click().run()
    shown.text_input(key=f"note-{SHORTCUT}").set_value("the <b>background</b>").run()
    entry = workspace.open("birds").journal.current()[SHORTCUT]
    assert (entry.verdict, entry.note) == ("spurious", "the <b>background</b>")
    shown.button(key="judge-core").click().run()
    entry = workspace.open("birds").journal.current()[SHORTCUT]
    assert (entry.verdict, entry.note) == ("core", "the <b>background</b>")


def test_the_last_sample_of_a_list_is_opened_by_its_address(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    test, head = sets["test"], workspace.open("birds").load_head()
    last = int(np.flatnonzero(head.predict(test.embeddings) == test.labels)[-1])
    shown = opened("birds", "check", before="Trained", after="Trained", outcome="both correct", sample=str(last))
    assert f"**Sample {plain(str(test.sample_ids[last]))}**" in text_of(shown)


def test_an_address_chooses_on_the_map_and_a_wrong_one_chooses_nothing(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    places = MeasuredSplit(project, project.load_head(), project.load_set("evaluation")).map
    inside = ((places >= [0, -1]) & (places <= [9, 1])).all(axis=1)
    for outline, chosen in (("box_0_-1_9_1", inside.sum()), ("box_0_nan_9", 0), ("lasso_0_0~'", 0)):
        test = AppTest.from_file(ROUTER, default_timeout=60)
        test.query_params["project"] = "birds"
        test.run()
        test.query_params["outline"] = outline
        test.switch_page(str(ROUTER.with_name("groups.py"))).run()
        assert not test.exception
        assert f"**{chosen} of 240 samples chosen**" in text_of(test)
        assert ("outline" in test.query_params) == bool(chosen)
        figure = json.loads(test.get("plotly_chart")[0].proto.spec)
        assert len(figure["layout"].get("selections", [])) == bool(chosen)


def test_a_slice_is_kept_as_a_group_and_measured_under_each_head(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    save_run(project)
    shown = opened("birds", "groups")
    assert "0 of 240 samples chosen" in text_of(shown)
    shown.get("button_group")[0].select("misclassified clusters").run()
    next(button for button in shown.button if button.label.startswith("Keep")).click().run()
    group = project.own_groups.all()[0]
    assert group.origin == "misclassified clusters"
    rows = [list(sets["test"].sample_ids).index(sample) for sample in group.sample_ids]
    right = project.load_head().predict(sets["test"].embeddings[rows]) == sets["test"].labels[rows]
    table = next(each.value for each in shown.dataframe if "Trained" in each.value)
    assert table["Trained"][0] == f"{100 * right.mean():.1f} %"
    shown.button(key="delete").click().run()
    assert project.own_groups.all() == []
