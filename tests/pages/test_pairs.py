"""Pairs on the screens: the sentence of Overview, the cards below it, and the slices of Groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.datasets import open_dataset
from neurontune_core.files import read_json, write_json
from neurontune_core.workspace.workspace import Workspace
from pages.parts.samples import pair_cards
from tests.support.layouts import write_rows
from tests.support.pages import opened, retrained, text_of
from tests.support.projects import planted_head, write_project

NUMBER = 40  # pairs
CLASSES = ("land *bird*", "<b>water</b> bird")
SIDES = ("no tag", "a $tag$ <script>")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return Workspace(tmp_path)


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what the cards were drawn with, call by call."""
    drawn: list[dict[str, Any]] = []
    monkeypatch.setattr(pair_cards, "_cards", lambda data, key: drawn.append(data))
    return drawn


def paired(split: str, seed: int = 3) -> EmbeddingSet:
    """Return pairs in which the second sample has the planted shortcut, and after them samples that have no pair."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(NUMBER) % 2, 2)
    attribute = np.tile([0, 1], NUMBER)
    vectors = np.repeat(np.abs(rng.normal(0, 0.3, (NUMBER, 12))), 2, axis=0).astype(np.float32)
    vectors[:, 0] += 0.8 * labels
    vectors[:, 1] += 1.6 * attribute + np.repeat(rng.normal(0, 0.4, NUMBER), 2)
    names = tuple(f"{label}, {side}" for label in CLASSES for side in SIDES)
    pairs = [f"pair {row // 2}" for row in range(2 * NUMBER)]
    pairs[-4:] = [None] * 4
    return EmbeddingSet(vectors, labels, CLASSES, 2 * labels + attribute, names, split=split, pairs=pairs)


def write_pairs(folder: Path) -> EmbeddingSet:
    write_project(folder, head=replace(planted_head(), class_names=CLASSES))
    for split in ("train", "val", "test"):
        paired(split).save(folder / "embeddings" / split)
    return paired("test")


def mistakes(samples: EmbeddingSet, head: LinearHead, label: int) -> tuple[int, int, int]:
    """Return how many pairs of a class there are, and how many are misclassified without and with the attribute."""
    wrong = (samples.embeddings @ head.weight.T + head.bias).argmax(axis=1) != samples.labels
    rows = [row for row in range(0, 2 * NUMBER - 4, 2) if samples.labels[row] == label]
    return len(rows), int(wrong[rows].sum()), int(wrong[[row + 1 for row in rows]].sum())


def test_the_sentence_of_overview_has_the_counts_of_the_measured_split(workspace: Workspace, cards: list) -> None:
    samples = write_pairs(workspace.new_folder("birds"))
    n, without, with_tag = mistakes(samples, workspace.open("birds").load_head(), 0)
    assert with_tag > without
    shown = text_of(opened("birds"))
    assert (
        f"With “a \\$tag\\$ \\<script\\>”, it calls **{with_tag} of {n}** “land \\*bird\\*” samples "
        f"“\\<b\\>water\\</b\\> bird”; with “no tag”, **{without}** of the same {n}."
    ) in shown
    assert "It looks at the background" in shown  # the project's own sentence, with the measured one under it


def test_the_cards_say_what_each_sample_is_taken_for_and_changing_pairs_come_first(
    workspace: Workspace, cards: list
) -> None:
    samples = write_pairs(workspace.new_folder("birds"))
    head = workspace.open("birds").load_head()
    logits = samples.embeddings.astype(float) @ head.weight.T.astype(float) + head.bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    opened("birds")
    drawn = cards[-1]
    assert len(drawn["pairs"]) == pair_cards.FIRST["image"]
    for pair in drawn["pairs"]:
        first, second = (side["row"] for side in pair["sides"])
        assert (first % 2, second) == (0, first + 1)
        assert [side["attribute"] for side in pair["sides"]] == list(SIDES)
        assert pair["label"] == CLASSES[samples.labels[first]]
        for side in pair["sides"]:
            guess = int(logits[side["row"]].argmax())
            assert side["predicted"] == CLASSES[guess]
            assert side["confidence"] == f"{100 * shares[side['row']].max():.0f} %"
            assert side["correct"] == (guess == samples.labels[side["row"]])
        assert pair["changes"] == (pair["sides"][0]["predicted"] != pair["sides"][1]["predicted"])
    changes = [pair["changes"] for pair in drawn["pairs"]]
    assert changes[0]
    assert changes == sorted(changes, reverse=True)


def test_more_pairs_are_shown_on_demand_and_a_class_restricts_them(workspace: Workspace, cards: list) -> None:
    samples = write_pairs(workspace.new_folder("birds"))
    shown = opened("birds")
    while any(button.key == "more-pairs" for button in shown.button):
        shown.button(key="more-pairs").click().run()
    rows = [side["row"] for pair in cards[-1]["pairs"] for side in pair["sides"]]
    assert sorted(rows) == list(range(2 * NUMBER - 4))
    of_class = opened("birds", **{"class": CLASSES[1]})
    assert "“land \\*bird\\*” samples" not in text_of(of_class)
    assert {pair["label"] for pair in cards[-1]["pairs"]} == {CLASSES[1]}
    assert samples.class_names[1] == CLASSES[1]


def test_after_a_retraining_the_pairs_can_be_those_of_the_retrained_head(workspace: Workspace, cards: list) -> None:
    write_pairs(workspace.new_folder("birds"))
    shown = opened("birds")
    before = cards[-1]
    retrained(shown)
    shown.segmented_control(key="of").set_value("Chosen head").run()
    assert not shown.exception
    head = workspace.open("birds").runs()[0].head
    samples = paired("test")
    guesses = head.predict(samples.embeddings)
    for pair in cards[-1]["pairs"]:
        for side in pair["sides"]:
            assert side["predicted"] == CLASSES[guesses[side["row"]]]
    assert cards[-1] != before


def test_pairs_of_texts_mark_the_words_that_differ(workspace: Workspace, cards: list) -> None:
    folder = workspace.new_folder("notes")
    write_pairs(folder)
    texts = [f"Note {row // 2}: <i>kind</i> words.{' Room 7.' if row % 2 else ''}" for row in range(2 * NUMBER)]
    write_rows(folder / "texts" / "all.csv", [{"text": text, "label": row} for row, text in enumerate(texts)])
    spec = {"format": "text_table", "root": "texts", "table": "all.csv", "columns": {"text": "text", "label": "label"}}
    sources = open_dataset(spec, folder).samples["source"].to_numpy(dtype=object)
    replace(paired("test"), sources=sources).save(folder / "embeddings" / "test")
    write_json(folder / "project.json", read_json(folder / "project.json") | {"dataset": spec, "modality": "text"})
    shown = opened("notes")
    assert "“land \\*bird\\*” texts" in text_of(shown)
    assert len(cards[-1]["pairs"]) == pair_cards.FIRST["text"]
    for pair in cards[-1]["pairs"]:
        number = pair["sides"][0]["row"] // 2
        same = (f"Note {number}: <i>kind</i> words.", False)
        assert [list(map(tuple, side["pieces"])) for side in pair["sides"]] == [[same], [same, (" Room 7.", True)]]


def test_without_pairs_overview_keeps_the_sentence_of_the_project(workspace: Workspace, cards: list) -> None:
    write_project(workspace.new_folder("birds"))
    assert "It looks at the background" in text_of(opened("birds"))
    assert cards == []


def groups_of(shown: AppTest) -> list[str]:
    return [option for control in shown.segmented_control if control.key == "way" for option in control.options]


def test_groups_has_the_slices_of_changing_pairs_where_the_split_has_pairs(workspace: Workspace, cards: list) -> None:
    samples = write_pairs(workspace.new_folder("birds"))
    shown = opened("birds", "groups")
    shown.segmented_control(key="way").set_value("changing pairs").run()
    assert not shown.exception
    wrong = workspace.open("birds").load_head().predict(samples.embeddings) != samples.labels
    misled = sum(samples.labels[row] == 0 and wrong[row + 1] and not wrong[row] for row in range(0, 2 * NUMBER - 4, 2))
    option = f'{CLASSES[0]}, misclassified only with "{SIDES[1]}" · {2 * misled} samples, 50% correct'
    assert option in shown.selectbox(key="slice").options
    write_project(workspace.new_folder("plain"))
    assert "changing pairs" not in groups_of(opened("plain", "groups"))
