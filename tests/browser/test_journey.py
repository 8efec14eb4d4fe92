"""The journey on the built-in example, in light and in dark: see, judge, undo, move λ, retrain, check, keep, export."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from neurontune_core.workspace.project import Project
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
    threshold,
    value,
)

pytestmark = pytest.mark.browser


def test_from_the_first_neuron_to_the_exported_mask(
    server: Server, page: Page, example: Project, tmp_path: Path
) -> None:
    backgrounds = {}

    def photograph(step: str) -> None:
        settled(page)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(300)
            page.screenshot(path=tmp_path / f"{step}-{scheme}.png")
            style = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
            backgrounds[step, scheme] = page.evaluate(style)

    page.goto(server.address("neurons", project=example.folder.name))
    expect(page.get_by_text("rank 1 of 1280")).to_be_visible()
    settled(page)
    assert len(seen(page, "img.photo")) >= 12
    photograph("1-neurons")

    everything = first_number(masked(page))
    box = page.get_by_role("spinbutton", name="Neuron")
    first = value(box)
    page.keyboard.press("o")  # core: never masked
    expect_masked(page, everything - 1)
    page.keyboard.press("j")
    expect(page.get_by_text("rank 2 of 1280")).to_be_visible()
    settled(page)
    expect(box).not_to_have_value(first)
    second = value(box)
    page.keyboard.press("o")
    expect_masked(page, everything - 2)
    page.keyboard.press("z")
    expect_masked(page, everything - 1)

    slider = threshold(page)
    slider.focus()
    for _ in range(6):
        slider.press("ArrowRight")
    expect(page.get_by_role("heading", name=f"{everything - 1} of 1280 masked")).to_have_count(0)
    settled(page)
    fewer, chosen = first_number(masked(page)), value(slider)
    assert fewer < everything - 1
    page.get_by_role("heading", name="Neurons").click()
    page.keyboard.press("z")  # the whole move of λ, and not one of its steps
    expect_masked(page, everything - 1)
    expect(slider).to_have_value("0")
    page.keyboard.press("y")
    expect_masked(page, fewer)
    expect(slider).to_have_value(chosen)
    photograph("2-judged")

    page.keyboard.press("Control+Enter")
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_role("button", name="Take it")).to_be_visible()  # offered, not taken
    expect(sidebar.get_by_text(re.compile(r"Retrained on test: \d+ corrected, \d+ newly wrong of 300"))).to_be_visible()
    expect(page.get_by_role("heading", name="Neurons")).to_be_visible()  # without leaving what is looked at
    expect(sidebar.locator(".st-key-strips .scatterlayer .js-line")).to_have_count(6)  # two methods, three measures
    for label in ("Retrained", "No masking", "Advised"):
        expect(strip_value(page, label)).to_have_text(re.compile(r"^\d+\.\d %$"))
    expect(box).to_have_value(second)
    photograph("3-retrained")

    go_to(page, "Check")
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    settled(page)
    corrected = first_number(metric(page, "corrected"))
    wall = page.get_by_role("listbox", name="Samples, corrected")
    wall.focus()
    wall.press("Enter")
    expect(page.get_by_text("Probability of each class under each head")).to_be_visible()
    wall.press("Control+a")
    expect(page.get_by_text(f"{corrected} of {corrected} selected")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("corrected by it")
    page.get_by_role("button", name=f"Keep {corrected} as a group").click()
    expect(page.get_by_text(f"Kept {corrected} samples as corrected by it.")).to_be_visible()
    photograph("4-checked")

    go_to(page, "Groups")
    expect(page.get_by_text("Accuracy on your groups")).to_be_visible()
    photograph("5-groups")
    go_to(page, "Export")
    mask = json.loads(download(page, "mask.json", tmp_path).read_text())
    photograph("6-exported")

    assert mask["threshold"] == pytest.approx(float(chosen))
    assert mask["verdicts"] == {first: "core"}
    assert int(first) not in mask["biased"]
    assert second not in mask["verdicts"]
    assert len({color for (_, scheme), color in backgrounds.items() if scheme == "dark"}) == 1
    assert backgrounds["1-neurons", "dark"] != backgrounds["1-neurons", "light"]
