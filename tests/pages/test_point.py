"""The Point screen without a browser: picked samples as a cue, their mask, and what a wrong entry says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core import EmbeddingSet
from neurontune_core.files import read_json
from neurontune_core.workspace.workspace import Workspace
from tests.support.pages import metrics, opened, text_of
from tests.support.projects import SHORTCUT, planted_head, write_pictures, write_project

WATER = ["group land, water", "group water, water"]


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, EmbeddingSet]:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return write_project(Workspace(tmp_path).new_folder("birds"))


def pointed_at_water(test: AppTest, name: str = "water") -> None:
    """Pick all samples on water, of the other groups nothing, and measure."""
    test.multiselect(key="picks-has").set_value(WATER).run()
    next(box for box in test.text_input if box.label == "Name").set_value(name).run()
    test.button(key="measure").click().run()
    settle(test)


def settle(test: AppTest) -> None:
    """Wait for the measurement, which runs in a thread."""
    for _ in range(50):
        if not any(button.key == "cancel-measuring" for button in test.button):
            break
        test.run()
    assert not test.exception


def worst_group(samples: EmbeddingSet, masked: np.ndarray) -> float:
    head = planted_head()
    right = ((samples.embeddings * ~masked) @ head.weight.T + head.bias).argmax(axis=1) == samples.labels
    return min(100 * right[samples.groups == group].mean() for group in range(4))


def contrast(samples: EmbeddingSet) -> np.ndarray:
    """Return [M], water minus land of each class, the mean over the classes, in standard deviations."""
    vectors = samples.embeddings.astype(np.float64)
    parts = [
        vectors[samples.groups == 2 * label + 1].mean(axis=0) - vectors[samples.groups == 2 * label].mean(axis=0)
        for label in (0, 1)
    ]
    return np.mean(parts, axis=0) / vectors.std(axis=0)


def test_vectors_are_pointed_at_by_picks_and_the_screen_says_that_they_prove_nothing(
    sets: dict[str, EmbeddingSet],
) -> None:
    test = opened("birds", "point")
    assert test.button(key="measure").disabled
    pointed_at_water(test)
    shown = text_of(test)
    assert "**water**: " in shown
    assert "Group labels read: land, water, water, water." in shown
    assert "These are different samples" in shown
    assert metrics(test)["Mask alone"] != "–"


def test_the_mask_of_a_cue_is_what_the_strip_measures_and_undo_takes_it_back(sets: dict[str, EmbeddingSet]) -> None:
    test = opened("birds", "point")
    before = metrics(test)["Mask alone"]
    pointed_at_water(test)
    test.slider(key="cue_effect").set_value(1.0).run()
    assert metrics(test)["Mask alone"] == before  # a look at what it would do masks nothing
    masked = abs(contrast(sets["val"])) > 1.0
    assert masked[SHORTCUT]
    assert masked.sum() < 4
    expected = f"{worst_group(sets['test'], masked):.1f} %"
    assert f"→ **{expected}**" in text_of(test)
    test.button(key="mask-cue").click().run()
    assert metrics(test)["Mask alone"] == expected
    assert test.slider(key="threshold").disabled
    assert "By the cue **water**" in text_of(test)
    assert "with your knowledge" in text_of(test)
    test.button(key="undo").click().run()
    assert metrics(test)["Mask alone"] == before
    assert not test.slider(key="threshold").disabled
    test.button(key="undo").click().run()
    assert test.button(key="measure").disabled  # the form of a new cue again


def test_the_slider_of_a_masked_cue_is_recorded_and_follows_undo(sets: dict[str, EmbeddingSet]) -> None:
    test = opened("birds", "point")
    pointed_at_water(test)
    test.slider(key="cue_effect").set_value(1.0).run()
    test.button(key="mask-cue").click().run()
    test.slider(key="cue_effect").set_value(0.5).run()
    expected = worst_group(sets["test"], abs(contrast(sets["val"])) > 0.5)
    assert metrics(test)["Mask alone"] == f"{expected:.1f} %"
    test.button(key="undo").click().run()
    assert test.slider(key="cue_effect").value == 1.0
    assert metrics(test)["Mask alone"] == f"{worst_group(sets['test'], abs(contrast(sets['val'])) > 1.0):.1f} %"


def test_a_cue_is_retrained_with_and_the_file_names_it(sets: dict[str, EmbeddingSet], tmp_path: Path) -> None:
    test = opened("birds", "point")
    pointed_at_water(test)
    test.slider(key="cue_effect").set_value(1.0).run()
    test.button(key="mask-and-retrain").click().run()
    if "live" in test.session_state:
        test.session_state["live"].wait(60)
        test.run()
    assert not test.exception
    (mask,) = (tmp_path / "projects" / "birds" / "runs").glob("*/mask.json")
    content = read_json(mask)
    groups = ["land, water", "water, water"]  # group labels that the person named
    assert content["cue"] == {"name": "water", "threshold": 1.0, "source": "cue", "groups": groups}
    expected = np.flatnonzero(abs(contrast(sets["val"])) > 1.0).tolist()
    assert [row["neuron"] for row in content["neurons"]] == expected
    assert all(row["reasons"] == ["cue"] for row in content["neurons"])


def test_an_address_brings_a_cue_back(sets: dict[str, EmbeddingSet]) -> None:
    test = opened("birds", "point")
    pointed_at_water(test, "my (own) water")
    assert test.query_params["cue"] == "my-own-water"
    again = opened("birds", "point", cue="my-own-water")
    assert "**my-own-water**: " in text_of(again)
    assert opened("birds", "point", cue="gone").segmented_control(key="cue").value == "my-own-water"


def test_a_cue_is_deleted_and_undo_brings_it_back(sets: dict[str, EmbeddingSet]) -> None:
    test = opened("birds", "point")
    pointed_at_water(test)
    test.button(key="mask-cue").click().run()
    test.button(key="delete-cue").click().run()
    assert test.button(key="measure").disabled
    assert "By the cue" not in text_of(test)  # what is gone masks nothing
    test.button(key="undo").click().run()
    assert "**water**: " in text_of(test)
    assert "By the cue **water**" in text_of(test)


def test_a_cue_is_renamed_and_undo_gives_it_the_old_name(sets: dict[str, EmbeddingSet]) -> None:
    test = opened("birds", "point")
    pointed_at_water(test)
    test.button(key="mask-cue").click().run()
    masked = metrics(test)["Mask alone"]
    test.text_input(key="rename-water").set_value("a lake").run()
    assert "**a-lake**: " in text_of(test)
    assert "By the cue **a-lake**" in text_of(test)
    assert metrics(test)["Mask alone"] == masked
    test.button(key="undo").click().run()
    assert "**water**: " in text_of(test)
    assert "By the cue **water**" in text_of(test)


def test_a_name_that_another_cue_has_is_one_sentence_and_nothing_is_lost(sets: dict[str, EmbeddingSet]) -> None:
    test = opened("birds", "point")
    pointed_at_water(test)
    test.segmented_control(key="cue").set_value("").run()
    test.multiselect(key="picks-has").set_value(WATER[:1]).run()
    next(box for box in test.text_input if box.label == "Name").set_value("water").run()
    test.button(key="measure").click().run()
    assert 'There is another cue "water" already' in text_of(test)
    assert test.multiselect(key="picks-has").value == WATER[:1]


def test_the_neurons_are_ordered_by_the_cue(sets: dict[str, EmbeddingSet]) -> None:
    test = opened("birds", "point")
    pointed_at_water(test)
    test.button(key="see-neurons").click().run()
    shown = opened("birds", "neurons", order="cue")
    assert shown.number_input(key="neuron").value == SHORTCUT
    assert 'Ordered by how far the cue "water" moves the activation' in text_of(shown)


def test_pictures_without_a_network_can_only_be_picked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    write_pictures(Workspace(tmp_path).new_folder("pictures"))
    test = opened("pictures", "point")
    assert not any(control.key == "way-of-cue" for control in test.segmented_control)
    assert test.multiselect(key="picks-has").options[0] == "group land, land"
