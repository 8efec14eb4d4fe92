"""The journey on the built-in example, in light and in dark: see, judge, undo, move λ, retrain, check, keep, export."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Server, metric, seen, settled, threshold

pytestmark = pytest.mark.browser


def masked(page: Page) -> int:
    return int(page.get_by_role("heading", name=re.compile("of 1280 masked")).inner_text().split()[0])


def masked_is(page: Page, count: int) -> None:
    expect(page.get_by_role("heading", name=f"{count} of 1280 masked")).to_be_visible()
    settled(page)


def test_from_the_first_neuron_to_the_exported_mask(server: Server, page: Page, tmp_path: Path) -> None:
    backgrounds = {}

    def photograph(step: str) -> None:
        settled(page)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(300)
            page.screenshot(path=tmp_path / f"{step}-{scheme}.png")
            style = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
            backgrounds[step, scheme] = page.evaluate(style)

    page.goto(f"{server.url}/neurons")
    expect(page.get_by_text("rank 1 of 1280")).to_be_visible()
    settled(page)
    assert len(seen(page, "img.photo")) >= 24
    photograph("1-neurons")

    everything = masked(page)
    first = page.get_by_role("spinbutton", name="Neuron").input_value()
    page.keyboard.press("o")  # core: never masked
    masked_is(page, everything - 1)
    page.keyboard.press("j")
    expect(page.get_by_text("rank 2 of 1280")).to_be_visible()
    settled(page)
    second = page.get_by_role("spinbutton", name="Neuron").input_value()
    page.keyboard.press("o")
    masked_is(page, everything - 2)
    page.keyboard.press("z")
    masked_is(page, everything - 1)

    slider = threshold(page)
    slider.focus()
    for _ in range(6):
        slider.press("ArrowRight")
    expect(page.get_by_role("heading", name=f"{everything - 1} of 1280 masked")).to_have_count(0)
    settled(page)
    fewer, chosen = masked(page), slider.input_value()
    assert fewer < everything - 1
    page.get_by_role("heading", name="Neurons").click()
    page.keyboard.press("z")  # the whole move of λ, and not one of its steps
    masked_is(page, everything - 1)
    assert float(slider.input_value()) == 0
    page.keyboard.press("y")
    masked_is(page, fewer)
    assert slider.input_value() == chosen
    photograph("2-judged")

    page.keyboard.press("Control+Enter")
    sidebar = page.get_by_test_id("stSidebar")
    expect(
        sidebar.get_by_text(re.compile(r"Advised head on test: \d+ corrected, \d+ newly wrong of 300"))
    ).to_be_visible()
    expect(page.get_by_role("heading", name="Neurons")).to_be_visible()  # without leaving what is looked at
    expect(sidebar.locator(".st-key-strips .scatterlayer .js-line")).to_have_count(6)  # two methods, three measures
    assert metric(page, "worst group · retrained") != "–"
    assert metric(page, "worst group · no masking") != "–"
    assert page.get_by_role("spinbutton", name="Neuron").input_value() == second
    photograph("3-retrained")

    page.get_by_role("link", name="Check").click()
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    settled(page)
    corrected = int(metric(page, "corrected"))
    wall = page.get_by_role("listbox", name="Samples, corrected")
    wall.focus()
    wall.press("Enter")
    expect(page.get_by_text("How probable each class is")).to_be_visible()
    wall.press("Control+a")
    expect(page.get_by_text(f"{corrected} of {corrected} selected")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("corrected by it")
    page.get_by_role("button", name=f"Keep {corrected} as a group").click()
    expect(page.get_by_text(f"Kept {corrected} samples as corrected by it.")).to_be_visible()
    photograph("4-checked")

    page.get_by_role("link", name="Groups").click()
    expect(page.get_by_text("Accuracy on your groups")).to_be_visible()
    photograph("5-groups")
    page.get_by_role("link", name="Export").click()
    page.get_by_role("button", name="Prepare the files").click()
    with page.expect_download() as download:
        page.locator(".st-key-mask-json button").first.click()
    download.value.save_as(tmp_path / "mask.json")
    photograph("6-exported")

    mask = json.loads((tmp_path / "mask.json").read_text())
    assert mask["threshold"] == pytest.approx(float(chosen))
    assert mask["verdicts"] == {first: "core"}
    assert int(first) not in mask["biased"]
    assert second not in mask["verdicts"]
    assert len({colour for (_, scheme), colour in backgrounds.items() if scheme == "dark"}) == 1
    assert backgrounds["1-neurons", "dark"] != backgrounds["1-neurons", "light"]
