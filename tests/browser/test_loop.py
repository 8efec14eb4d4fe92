"""The closed loop as a person walks it: open, see, mask, retrain, check, export."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors.torch import load_file

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import EXAMPLES
from tests.support.browser import (
    Server,
    download,
    expect_masked,
    first_number,
    go_to,
    masked,
    metric,
    seen,
    settled,
    strip_value,
    text,
    threshold,
    wait_until,
)
from tests.support.examples import copy_part_of_example

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("neurons", "Most activating, misclassified"),
        ("", "it calls 61 of 75 “unhappy” images “happy”"),
        ("point", "Misclassified samples of val"),
        ("retrain", "Nothing is retrained yet"),
        ("check", "Samples that a head corrects"),
        ("compare", "Compare methods against spurious correlations"),
        ("ablations", "Vary one setting, keep the others"),
        ("groups", "Groups of your own"),
        ("export", "The classifier as it came"),
        ("setup", "Your own model and data"),
        ("train", "A new training"),
    ],
)
def test_every_page_opens_by_deep_link(server: Server, page: Page, path: str, content: str) -> None:
    page.goto(server.address(path))
    expect(page.get_by_text(content)).to_be_visible()
    settled(page)
    expect(page.locator("header").get_by_role("link")).to_have_count(7)
    for section, screens in {"Your own": 2, "Study": 3}.items():
        page.locator("header").get_by_text(section).click()
        expect(page.get_by_test_id("stTopNavDropdownLink")).to_have_count(screens)
        page.keyboard.press("Escape")


def test_a_deep_link_may_be_the_first_that_a_server_is_asked(fresh_server: Server, page: Page) -> None:
    page.goto(fresh_server.address("neurons"))  # which needs most, while the server is warming up
    expect(page.get_by_text("Most activating, misclassified")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox", name="Project")).to_have_value("faces")
    settled(page)
    go_to(page, "Overview")
    expect(page.get_by_text("it calls 61 of 75 “unhappy” images “happy”")).to_be_visible()
    settled(page)


def test_the_address_restores_threshold_class_and_neuron(server: Server, page: Page) -> None:
    page.goto(server.address("neurons", **{"threshold": 0.1, "neuron": 775, "class": "unhappy"}))
    expect(page.get_by_role("heading", name="Neuron 775")).to_be_visible()
    settled(page)
    expect(threshold(page)).to_have_value(re.compile(r"^0\.(0999|100)"))  # painted a moment after the page's words
    expect(page.get_by_text("Most activating, correct")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]neuron=775(&|$)"))


def test_the_next_neuron_shows_other_samples_with_heatmaps(server: Server, page: Page) -> None:
    page.goto(server.address("neurons"))
    expect(page.get_by_text("rank 1 of 1280")).to_be_visible()
    settled(page)
    before = seen(page, "img.photo")
    assert len(before) >= 12
    page.get_by_role("button", name="Next in the ranking").click()
    expect(page.get_by_text("rank 2 of 1280")).to_be_visible()
    settled(page)
    expect(page.locator("img.heat")).to_have_count(len(before))
    seen(page, "img.heat")
    assert seen(page, "img.photo") != before


def test_every_press_of_a_key_counts_however_fast_they_come(server: Server, page: Page, example: Project) -> None:
    page.goto(server.address("neurons", project=example.folder.name))
    expect(page.get_by_text("rank 1 of 1280")).to_be_visible()
    settled(page)
    expect(page.get_by_role("button", name="Next in the ranking")).to_be_visible()  # it listens to keys from then on
    for key in "jjjjjjjjkj":
        page.keyboard.press(key)
    expect(page.get_by_text("rank 9 of 1280")).to_be_visible()
    note = page.get_by_placeholder("What this neuron responds to …")
    note.fill("")
    note.press("j")  # a letter, in a text field
    expect(note).to_have_value("j")
    settled(page)
    expect(page.get_by_text("rank 9 of 1280")).to_be_visible()
    note.fill("")


def test_a_click_on_a_sample_shows_it_closely(server: Server, page: Page) -> None:
    val = EmbeddingSet.load(EXAMPLES["faces"] / "embeddings" / "val")
    unhappy = LinearHead.load(EXAMPLES["faces"] / "head.safetensors").predict(val.embeddings) == 1
    highest = abs(val.embeddings[(val.labels == 0) & unhappy, 353].astype(float)).max()
    page.goto(server.address("neurons", **{"neuron": 353, "class": "happy"}))
    expect(page.get_by_text("Most activating, misclassified")).to_be_visible()
    settled(page)
    page.get_by_role("option", name=f"{highest:.2f} · unhappy").click()
    expect(page.get_by_text("logit contribution of this neuron")).to_contain_text("predicted unhappy")
    settled(page)
    expect(page.get_by_text("overlay")).to_be_visible()


def test_a_higher_threshold_masks_fewer_neurons_and_a_verdict_goes_before_the_score(
    server: Server, page: Page, example: Project
) -> None:
    page.goto(server.address("neurons", project=example.folder.name))
    expect(masked(page)).to_be_visible()
    settled(page)
    before = first_number(masked(page))
    slider = threshold(page)
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    expect(page.get_by_role("heading", name=f"{before} of 1280 masked")).to_have_count(0)
    settled(page)
    after = first_number(masked(page))
    assert after < before
    page.get_by_role("button", name="Core").click()
    expect_masked(page, after - 1)
    page.reload()
    settled(page)
    expect_masked(page, after - 1)
    expect(page.get_by_test_id("stSidebar").get_by_role("button", name="undo")).to_be_enabled()
    settled(page)
    page.keyboard.press("z")
    expect_masked(page, after)
    page.keyboard.press("y")
    expect_masked(page, after - 1)
    page.keyboard.press("x")
    expect_masked(page, after)
    page.keyboard.press("j")
    expect(page.get_by_text("rank 2 of 1280")).to_be_visible()
    settled(page)
    page.keyboard.press("Control+Enter")  # λ and the neuron stand in the address by now
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_role("heading", name="Retrain the head")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Run \d{8}-\d{6}: λ 0\.0[1-9]"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]threshold=0\.0[1-9]"))


def test_a_head_retrained_on_the_screen_gives_the_screens_numbers_in_plain_torch(
    server: Server, page: Page, example: Project, tmp_path: Path
) -> None:
    page.goto(server.address("retrain", project=example.folder.name))
    expect(page.get_by_role("heading", name="Retrain the head")).to_be_visible()
    settled(page)
    earlier = len(example.runs())
    page.get_by_role("button", name="Retrain Shortcut").click()
    wait_until(page, lambda: len(example.runs()) > earlier, "a saved run")
    expect(page.get_by_test_id("stSidebar").get_by_role("button", name="Take it")).to_be_visible()
    settled(page)
    go_to(page, "Overview")
    expect(page.get_by_role("heading", name=re.compile(r"Retrained: \d+ samples corrected"))).to_be_visible()
    settled(page)
    shown = text(strip_value(page, "Retrained"), "%")
    go_to(page, "Check")
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    settled(page)
    corrected = first_number(metric(page, "corrected"))
    expect(page.get_by_text(f"0 of {corrected} selected")).to_be_visible()
    go_to(page, "Export")
    tensors = load_file(download(page, "head.safetensors", tmp_path))
    head = torch.nn.Linear(1280, 2)
    head.load_state_dict(tensors)
    test = EmbeddingSet.load(EXAMPLES["faces"] / "embeddings" / "test")
    with torch.inference_mode():
        predictions = head(torch.from_numpy(test.embeddings.astype("float32"))).argmax(1).numpy()
    assert test.groups is not None
    worst = min((predictions == test.labels)[test.groups == group].mean() for group in range(4))
    assert shown == f"{100 * worst:.1f} %"
    erm = LinearHead.load(EXAMPLES["faces"] / "head.safetensors").predict(test.embeddings)
    assert corrected == ((erm != test.labels) & (predictions == test.labels)).sum()
    assert set(tensors) == {"weight", "bias"}


def test_setup_names_what_is_missing(server: Server, page: Page) -> None:
    page.goto(server.address("setup"))
    expect(page.get_by_text("Your own model and data")).to_be_visible()
    settled(page)
    page.get_by_role("textbox", name="Folder or table of the data").fill("/nowhere/at/all")
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Check data").click()
    expect(page.get_by_text("There is no folder /nowhere/at/all")).to_be_visible()
    expect(page.get_by_text("It cannot be extracted yet.")).to_be_visible()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "samples",
    [
        80,
        pytest.param(
            1000, marks=pytest.mark.slow(reason="80 samples of each split are extracted, not all 1500 of the example")
        ),
    ],
)
def test_an_extraction_is_cancelled_resumed_and_gives_the_shipped_vectors(
    server: Server, page: Page, samples: int
) -> None:
    folder = server.new_folder("part")
    shipped = copy_part_of_example(folder, samples)
    total, name = sum(len(part.labels) for part in shipped.values()), f"{folder.name}-1"
    page.goto(server.address("setup", project=folder.name, threshold=0.1))
    page.get_by_role("button", name="Extract again").click()
    expect(page.get_by_text(re.compile(rf"Extract {name} · running · [1-9]\d* of {total}"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(f"Extract {name} · cancelled")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text(f"Extract {name} · done")).to_be_visible(timeout=600_000)
    jobs = JobStore(server.home / "jobs").list()
    job = next(job for job in jobs if job.title == f"Extract {name}")  # the resumed one: newest first
    page.locator(f".st-key-open-{job.id} button").click()
    expect(page.get_by_role("heading", name="Happy or unhappy? (extracted again)")).to_be_visible()
    settled(page)
    expect(page).to_have_url(re.compile(rf"[?&]project={name}(&|$)"))
    test, head = shipped["test"], LinearHead.load(folder / "head.safetensors")
    right = head.predict(test.embeddings) == test.labels
    assert test.groups is not None
    worst = min(right[test.groups == group].mean() for group in range(4))
    expect(strip_value(page, "Trained")).to_have_text(f"{100 * worst:.1f} %")
    for split, part in shipped.items():
        made = EmbeddingSet.load(folder.with_name(name) / "embeddings" / split)
        assert list(made.sample_ids) == list(part.sample_ids)
        np.testing.assert_allclose(
            made.embeddings.astype(np.float32), part.embeddings.astype(np.float32), rtol=2e-3, atol=2e-3
        )
