"""The Theory lab in a browser: opened by its address, its sliders moved."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Server, go_to, plotted, settled, text

pytestmark = pytest.mark.browser


def test_a_claim_opens_by_address_and_answers_a_slider(server: Server, page: Page) -> None:
    page.goto(server.address("theory", claim="Scores", p=0.9))
    expect(page.get_by_role("heading", name="Theorem 4.2")).to_be_visible()
    expect(page.get_by_text("At λ = 0 the signed rule selects")).to_be_visible()
    plotted(page, ".st-key-theory-scores")
    settled(page)
    expect(page.locator(".st-key-theory-scores .points path")).to_have_count(200)
    slider = page.locator(".st-key-p input[type=range]")
    expect(slider).to_have_value(re.compile(r"^0?\.90*$"))
    before = text(page.get_by_text("of them mistakes"))
    slider.focus()
    slider.press("ArrowLeft")
    expect(page.get_by_text(before)).to_have_count(0)
    settled(page)
    expect(page).to_have_url(re.compile(r"[?&]p=0\.89(&|$)"))
    page.get_by_role("radio", name="Experiment").click()
    expect(page.get_by_role("heading", name="Section 5.3")).to_be_visible()
    expect(page.get_by_text("core neuron: spared")).to_be_visible()
    settled(page)
    go_to(page, "Overview")
    expect(page.get_by_text("it calls 61 of 75 “unhappy” images “happy”")).to_be_visible()
    settled(page)
