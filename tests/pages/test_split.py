"""The split and the class of the sidebar: what follows them, what stays, and what an address brings back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core.evaluation.inferred_groups import twin_heads
from neurontune_core.identification.ranking import Ranking
from neurontune_core.jobs.store import JobStore
from neurontune_core.session import diagnosis
from neurontune_core.workspace.workspace import Workspace
from pages.parts.frame.state import open_diagnosis
from pages.parts.neuron import neuron_order
from tests.support.odd_projects import one_split_only
from tests.support.pages import metrics, save_run, text_of
from tests.support.paths import ROUTER
from tests.support.projects import CLASSES, NEURONS, SHORTCUT, planted_head, write_project

SPLITS = ("train", "val", "test")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return Workspace(tmp_path)


def opened(page: str = "overview", **address: str) -> AppTest:
    """Open a screen of the project "birds" in a session of its own, by its URL."""
    test = AppTest.from_file(ROUTER, default_timeout=60)
    for name, value in {"project": "birds", **address}.items():
        test.query_params[name] = value
    if page != "overview":
        test.switch_page(str(ROUTER.with_name(f"{page}.py")))
    test.run()
    assert not test.exception
    assert not test.error
    return test


def right(each) -> np.ndarray:
    head = planted_head()
    return (each.embeddings @ head.weight.T + head.bias).argmax(axis=1) == each.labels


@pytest.mark.parametrize("split", SPLITS)
def test_the_headline_is_measured_on_the_chosen_split_and_the_neurons_stay(workspace: Workspace, split: str) -> None:
    sets = write_project(workspace.new_folder("birds"))
    usual, shown = (opened("neurons", order="paper", **chosen) for chosen in ({}, {"split": split}))
    assert shown.selectbox(key="split").options == list(SPLITS)
    assert shown.selectbox(key="split").value == split
    worst = min(right(sets[split])[sets[split].groups == group].mean() for group in range(4))
    assert metrics(shown)["Trained"] == f"{100 * worst:.1f} %"
    assert f'Accuracy of the trained head with the mask alone, on "{split}"' in text_of(shown)
    masked = next(line for line in text_of(usual).splitlines() if line.endswith("masked"))
    assert masked in text_of(shown)
    assert shown.number_input(key="neuron").value == SHORTCUT
    assert (
        'of split "val"; its score is highest there, the sidebar has the other classes. Under each sample'
        in text_of(shown)
    )


def test_the_scores_are_computed_once_for_all_splits(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(workspace.new_folder("birds"))
    asked: list[Any] = []
    scores = diagnosis.spuriousness_scores

    def counted(*args: Any, **named: Any) -> Any:
        asked.append(args)
        return scores(*args, **named)

    monkeypatch.setattr(diagnosis, "spuriousness_scores", counted)
    shown = opened("neurons")
    for split in (*SPLITS, *SPLITS):
        shown.selectbox(key="split").set_value(split).run()
    assert not shown.exception
    assert len(asked) == 1


def test_a_split_that_made_the_mask_or_the_head_says_that_its_figures_are_optimistic(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    usual = text_of(opened())
    assert "Neurons are identified on val, heads are trained on train." in usual
    assert "optimistic" not in usual
    assert "Neurons and some heads were fitted on these samples; figures are optimistic." in text_of(
        opened(split="val")
    )
    assert "Heads were fitted on these samples; figures are optimistic." in text_of(opened(split="train"))


def test_a_project_of_one_split_shows_it_and_offers_no_other(workspace: Workspace) -> None:
    one_split_only(workspace.new_folder("birds"))
    shown = opened()
    assert shown.selectbox(key="split").options == ["all"]
    assert shown.selectbox(key="split").disabled
    assert "Neurons and heads were fitted on these samples" in text_of(shown)


def test_an_address_that_names_what_is_not_there_shows_the_default_and_says_so(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    save_run(workspace.open("birds"))
    shown = opened(split="no*where", **{"class": "dragon"}, run="gone")
    assert shown.selectbox(key="split").value == "test"
    for sentence in (r'no split "no\*where";', 'no class "dragon";', 'no retraining "gone";'):
        assert sentence in text_of(shown)
    shown.selectbox(key="split").set_value("val").run()
    assert "no split" not in text_of(shown)
    assert "no class" in text_of(shown)


def test_a_split_that_the_next_project_lacks_becomes_its_usual_one(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    folder = workspace.new_folder("fish")
    write_project(folder, embeddings={"a": "embeddings/val", "b": "embeddings/test"},
                  roles={"identification": "a", "tuning": "a", "evaluation": "b"})  # fmt: skip
    shown = opened(split="train", **{"class": CLASSES[1]})
    shown.selectbox(key="project").set_value("fish").run()
    assert not shown.exception
    assert shown.selectbox(key="split").value == "b"
    assert shown.selectbox(key="class").value == CLASSES[1]
    assert 'On the split "b"' in text_of(shown)


def test_a_split_that_cannot_be_read_is_a_sentence_and_another_can_be_chosen(workspace: Workspace) -> None:
    folder = workspace.new_folder("birds")
    write_project(folder)
    shown = opened()
    (folder / "embeddings" / "train" / "embeddings.npy").write_bytes(b"nothing")
    shown.selectbox(key="split").set_value("train").run()
    assert "cannot be read" in text_of(shown)
    shown.selectbox(key="split").set_value("val").run()
    assert 'On the split "val"' in text_of(shown)
    assert not shown.error


def test_check_counts_on_the_chosen_split_and_lists_the_chosen_class(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    opened_project, head, each = diagnosis.Diagnosis(workspace.open("birds")), planted_head(), sets["val"]
    vectors = each.embeddings * ~opened_project.masked_neurons(0.0)
    before, after = right(each), (vectors @ head.weight.T + head.bias).argmax(axis=1) == each.labels
    assert (before != after).any()
    shown = opened("check", split="val", after="Mask alone", **{"class": CLASSES[0]})
    assert metrics(shown)["corrected"] == str((~before & after).sum())
    assert metrics(shown)["newly wrong"] == str((before & ~after).sum())
    assert "Class land bird only." in text_of(shown)
    assert "only." not in text_of(opened("check", split="val"))


def test_overview_lists_the_mistakes_of_the_chosen_class(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    assert "Misclassified in class water bird" in text_of(opened(**{"class": CLASSES[1]}))
    assert "Misclassified in the worst group" in text_of(opened())


def test_all_classes_is_on_neurons_the_one_that_ranks_or_that_gives_the_score(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    other = str(SHORTCUT)
    assert "| **land bird** | +2" in (shown := text_of(opened("neurons", neuron=other, order="paper")))
    assert "| water bird | -" in shown
    assert "| **water bird** | -" in text_of(opened("neurons", neuron=other, **{"class": CLASSES[1]}))
    assert "| **water bird** | -" in text_of(opened("neurons", neuron=other))  # most mistakes
    assert "| **land bird** | +2" in text_of(opened("neurons", neuron=other, **{"class": CLASSES[0]}))


def test_the_order_is_in_the_address_and_the_chosen_neuron_stays_when_it_changes(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    shown = opened("neurons")
    assert 'Ordered by the score in class "water bird", which has most misclassified samples' in text_of(shown)
    assert open_diagnosis("birds").confidence(wait=60) is not None
    assert 'Class "land bird" has higher scores' in text_of(shown.run())  # where the shortcut shows
    first = shown.number_input(key="neuron").value
    assert f"rank 1 of {NEURONS}" in text_of(shown)
    assert shown.dataframe[0].value["neuron"].iloc[0] == first
    shown.get("button_group")[0].select("paper").run()
    assert "as in the paper" in text_of(shown)
    assert shown.query_params["order"] == "paper"
    assert shown.number_input(key="neuron").value == first
    assert shown.dataframe[0].value["neuron"].iloc[0] == SHORTCUT
    assert f"rank 1 of {NEURONS}" not in text_of(shown)
    assert shown.selectbox(key="class").options == ["all classes", "water bird", "land bird"]
    assert "order" not in opened("neurons", order="nonsense").query_params


def test_a_press_that_counted_on_the_order_before_shows_the_neuron_it_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.array([0.1, 0.3, 0.2], dtype=np.float32)
    before, after = (
        Ranking(order, None, np.array(neurons), scores, scores, np.zeros(3, bool))
        for order, neurons in (("class", [0, 1, 2]), ("paper", [1, 2, 0]))
    )
    state: dict = {}
    monkeypatch.setattr(neuron_order.st, "session_state", state)
    for ranking in (before, after):
        neuron_order.remember(ranking)
    for ranking, neuron in ((before, 0), (after, 1)):
        neuron_order.go_to_place(0, ranking.key)
        assert state["neuron"] == neuron
    neuron_order.go_to_place(0, "one that was never shown")
    assert state["neuron"] == 1


def test_a_group_stays_on_the_split_where_it_was_made(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    shown = opened("groups", split="val", way="misclassified clusters")
    next(button for button in shown.button if button.label.startswith("Keep")).click().run()
    group = workspace.open("birds").own_groups.all()[0]
    assert group.split == "val"
    assert set(group.sample_ids) <= set(sets["val"].sample_ids)
    assert any("Trained" in each.value for each in shown.dataframe)
    shown.selectbox(key="split").set_value("test").run()
    assert "There are others on val" in text_of(shown)
    assert not any("Trained" in each.value for each in shown.dataframe)


def test_guessed_groups_are_named_as_guesses_and_kept_like_others(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    shown = opened("groups", split="test", way="probably hard")
    assert "A guess, without group labels" in text_of(shown)
    hard = twin_heads(sets["train"]).mistakes(sets["test"])
    slices = shown.selectbox(key="slice").options
    assert all("probably hard (guessed)" in title for title in slices)
    sizes = [int(title.split(" · ")[1].split()[0]) for title in slices]
    assert sorted(sizes) == sorted(np.bincount(sets["test"].labels[hard]).tolist())
    next(button for button in shown.button if button.label.startswith("Keep")).click().run()
    (group,) = workspace.open("birds").own_groups.all()
    assert (group.origin, group.name.endswith("(guessed)")) == ("probably hard", True)
    kept = set(sets["test"].sample_ids[hard].astype(str))
    assert set(group.sample_ids) <= kept


def test_the_map_by_neighbors_is_asked_for_on_the_chosen_split(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = write_project(workspace.new_folder("birds"))
    asked: list[dict] = []
    monkeypatch.setattr(JobStore, "submit", lambda *args, **_: asked.append(args[2]))
    shown = opened("groups", split="val", map_kind="UMAP")
    shown.button(key="make_map").click().run()
    assert [each["split"] for each in asked] == ["val"]
    assert asked[0]["fingerprint"] == sets["val"].fingerprint


def test_a_card_is_measured_on_the_chosen_split_and_repeats_the_caution(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    save_run(workspace.open("birds"))
    shown = opened("export", split="val")
    shown.button(key="prepare").click().run(timeout=120)
    project = workspace.open("birds")
    head = project.runs()[0].head
    on_val, on_test = (
        project.export_folder("retrained", head, project.load_set(split)) / "MODEL_CARD.md" for split in ("val", "test")
    )
    assert 'On the 240 samples of the evaluation set "val"' in on_val.read_text()
    assert "Neurons and some heads were fitted on these samples" in on_val.read_text()
    assert shown.run().button(key="prepare").disabled
    shown.selectbox(key="split").set_value("test").run()
    assert not shown.get("download_button")
    shown.button(key="prepare").click().run(timeout=120)
    assert 'evaluation set "test"' in on_test.read_text()
    assert "optimistic" not in on_test.read_text()
    assert 'evaluation set "val"' in on_val.read_text()  # which another session may be offering


def test_the_chosen_run_stands_in_the_address_even_while_it_is_the_newest(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    save_run(workspace.open("birds"))
    first = workspace.open("birds").runs()[0].id
    shown = opened()
    assert shown.query_params["run"] == first
    save_run(workspace.open("birds"))
    assert opened(run=first).selectbox(key="run").value == first
    assert opened().selectbox(key="run").value == workspace.open("birds").runs()[0].id != first


@pytest.mark.parametrize("neuron", [0, 5, NEURONS - 1])
def test_every_neuron_comes_back_from_the_address(workspace: Workspace, neuron: int) -> None:
    write_project(workspace.new_folder("birds"))
    assert opened("neurons", neuron=str(neuron)).number_input(key="neuron").value == neuron
    firing = opened("groups", neuron=str(neuron), way="where the chosen neuron fires")
    assert firing.selectbox(key="slice").value.split(" high")[0].endswith(f"neuron {neuron}")


def test_exported_files_are_read_when_they_are_downloaded_and_offered_while_they_exist(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(workspace.new_folder("birds"))
    save_run(workspace.open("birds"))
    shown = opened("export")
    shown.button(key="prepare").click().run(timeout=120)
    read: list[str] = []
    plainly = Path.read_bytes

    def noted(file: Path) -> bytes:
        if "exports" in file.parts:  # the run's own files are read as ever
            read.append(file.name)
        return plainly(file)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", noted)
        shown.run()
    assert len(shown.get("download_button")) == 4
    assert read == []
    shutil.rmtree(workspace.open("birds").folder / "exports")
    shown.run()
    assert not shown.exception
    assert not shown.get("download_button")
    assert not shown.button(key="prepare").disabled
