"""After a retraining the adviser speaks, and its head is taken."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, settled

pytestmark = pytest.mark.browser


def test_the_adviser_speaks_after_retraining_and_its_head_is_taken(server: Server, page: Page) -> None:
    page.goto(server.url)
    settled(page)
    page.get_by_test_id("stSidebar").get_by_role("button", name="Retrain", exact=False).first.click()
    expect(page.get_by_text("On your data:")).to_be_visible(timeout=120_000)
    settled(page)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.get_by_role("button", name="Take the advised head as a run").click()
    expect(page.get_by_text("The chosen run is the advised head.")).to_be_visible()
    settled(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
