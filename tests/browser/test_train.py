"""A training as a person sees it: started, followed live, still there after a reload, taken on to Setup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Server, choose, settled
from tests.support.tiny_training import bars

pytestmark = pytest.mark.browser


def test_a_training_is_followed_live_and_survives_a_reload(server: Server, page: Page, tmp_path: Path) -> None:
    bars(tmp_path)
    page.goto(server.address("train"))
    settled(page)
    page.get_by_role("textbox", name="Name").fill("bars")
    page.get_by_role("textbox", name="Folder or table of the data").fill(str(tmp_path))
    choose(page, "Start from", "a checkpoint of my own")
    choose(page, "Model family", "cifar_resnet")
    page.get_by_role("textbox", name="Architecture").fill("resnet20")
    page.get_by_role("textbox", name="Weights file").fill("random")
    choose(page, "Settings", "images, small default")
    page.get_by_role("spinbutton", name="Epochs").fill("3")
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Check and train").click()
    expect(page.get_by_text(re.compile(r"Train bars · (queued|running)"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("Train bars · done")).to_be_visible(timeout=240_000)  # jobs give way to everything else
    expect(page.get_by_text(re.compile(r"Kept: epoch [123] "))).to_be_visible()
    for chart in (0, 1):
        page.wait_for_function(
            "n => document.querySelectorAll('.js-plotly-plot')[n]?._fullLayout?.xaxis.range[1] === 3.5", arg=chart
        )
    settled(page)
    page.get_by_role("button", name="Extract into a project").click()
    expect(page.get_by_text(re.compile("Extract bars · (queued|running|done)"))).to_be_visible()
