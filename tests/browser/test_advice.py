"""After a retraining the adviser speaks, and its head is chosen unless that is not wanted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from neurontune_core.workspace.project import Project
from tests.support.browser import Server, go_to, settled, value

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("by_itself", [True, False])
def test_the_adviser_speaks_after_retraining_and_its_head_is_chosen(
    server: Server, page: Page, example: Project, by_itself: bool
) -> None:
    page.goto(server.address("retrain", project=example.folder.name))
    settled(page)
    if not by_itself:
        page.get_by_text("Let the adviser choose the head").click()
        settled(page)
    page.get_by_test_id("stSidebar").get_by_role("button", name="Retrain", exact=False).first.click()
    expect(page.get_by_text("On your data:")).to_be_visible(timeout=120_000)
    settled(page)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    chosen = page.get_by_text("The advised head is chosen")
    if not by_itself:
        expect(chosen).to_have_count(0)
        page.get_by_role("button", name="Take the advised head").click()
    expect(chosen).to_be_visible()
    settled(page)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_reload_during_a_retraining_loses_nothing(server: Server, page: Page, example: Project) -> None:
    page.goto(server.address("retrain", project=example.folder.name, epochs=200, batch=64))
    settled(page)
    go_to(page, "Neurons")
    expect(page.get_by_text("rank 1 of 1280")).to_be_visible()
    settled(page)
    box = page.get_by_role("spinbutton", name="Neuron")
    first = value(box)
    page.keyboard.press("j")
    expect(page.get_by_text("rank 2 of 1280")).to_be_visible()
    expect(box).not_to_have_value(first)
    neuron = value(box)
    expect(page.get_by_role("heading", name=f"Neuron {neuron}", exact=True)).to_be_visible()
    go_to(page, "Overview")
    expect(page.get_by_text("it calls 61 of 75 “unhappy” images “happy”")).to_be_visible()
    settled(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Retraining …")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Retraining …")).to_be_visible()
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text("Advised head")).to_be_visible(timeout=180_000)
    settled(page)
    go_to(page, "Retrain")
    expect(page.get_by_text("On your data:")).to_be_visible()
    expect(page.get_by_label("Epochs")).to_have_value("200")
    expect(page.get_by_role("spinbutton", name="Batch size")).to_have_value("64")
    settled(page)
    go_to(page, "Neurons")
    expect(box).to_have_value(neuron)
