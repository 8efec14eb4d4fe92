"""Pairs on Overview in a real browser: pictures side by side, cues in color and sign, more on demand, nothing run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from neurontune_core.files import read_json, write_json
from tests.support.browser import Server, settled, wait_until
from tests.support.projects import planted_head, write_pictures

pytestmark = pytest.mark.browser
SIDES = ("plain", "<img src=x onerror=alert(1)>")
CLASSES = ("land", "<b>water</b>")


def test_pairs_are_shown_side_by_side_with_what_the_head_says(server: Server, page: Page) -> None:
    folder = server.new_folder("paired")
    samples = write_pictures(folder)
    names = tuple(f"{label}, {side}" for label in CLASSES for side in SIDES)
    by_group = [iter((samples.groups == group).nonzero()[0].tolist()) for group in range(4)]
    pairs: list[str | None] = [None] * samples.num_samples
    for label in (0, 1):
        for number, both in enumerate(zip(by_group[2 * label], by_group[2 * label + 1], strict=False)):
            for row in both:
                pairs[row] = f"{label}-{number}"
    replace(samples, class_names=CLASSES, group_names=names, pairs=pairs).save(folder / "embeddings" / "test")
    for split in ("train", "val"):
        meta = folder / "embeddings" / split / "meta.json"
        write_json(meta, read_json(meta) | {"class_names": CLASSES, "group_names": names})
    replace(planted_head(), class_names=CLASSES).save(folder / "head.safetensors")
    page.goto(server.address(project=folder.name))
    cards = page.get_by_role("list", name="Pairs").get_by_role("listitem")
    expect(cards).to_have_count(8)
    settled(page)
    first = cards.first
    expect(first).to_contain_text("label: land")
    expect(first).to_contain_text("prediction changes")
    expect(first.locator("figure").nth(1)).to_contain_text(SIDES[1])
    correct, misclassified = (first.locator(f"figure.{kind}") for kind in ("correct", "misclassified"))
    expect(correct).to_contain_text("✓ land")
    expect(misclassified).to_contain_text(f"✗ {CLASSES[1]}")
    styles = [
        figure.locator(".box").evaluate("box => getComputedStyle(box).borderBottomStyle")
        for figure in (correct, misclassified)
    ]
    assert styles == ["solid", "dashed"]
    images = cards.locator(".box img")
    expect(images).to_have_count(16)
    loaded = "all => all.every(image => image.naturalWidth > 0)"
    wait_until(page, lambda: images.evaluate_all(loaded), "the images of the pairs")
    page.get_by_role("button", name="Show 24 more").click()
    expect(cards).to_have_count(32)
