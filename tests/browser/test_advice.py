"""After a retraining the adviser speaks; its head is chosen when a person takes it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from neurontune_core.workspace.project import Project
from tests.support.browser import Server, go_to, settled, value, wait_until

pytestmark = pytest.mark.browser


def test_the_adviser_speaks_after_a_retraining_and_the_person_decides(
    server: Server, page: Page, example: Project
) -> None:
    page.goto(server.address("retrain", project=example.folder.name))
    settled(page)
    sidebar = page.get_by_test_id("stSidebar")
    chosen = sidebar.get_by_role("combobox", name="Chosen head")
    sidebar.get_by_role("button", name="Retrain", exact=False).first.click()
    expect(page.get_by_text("On your data:")).to_be_visible(timeout=120_000)
    settled(page)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(chosen).to_have_value("Retrained")
    page.keyboard.press("a")
    expect(chosen).to_have_value("Advised")
    expect(page.get_by_text("The advised head is chosen")).to_be_visible()
    settled(page)
    page.keyboard.press("z")
    expect(chosen).to_have_value("Retrained")
    expect(page.get_by_text("The advised head is chosen")).to_have_count(0)
    settled(page)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_nobody_is_asked_where_that_is_switched_off(server: Server, page: Page, example: Project) -> None:
    page.goto(server.address("retrain", project=example.folder.name))
    settled(page)
    page.get_by_text("Ask the adviser after each retraining").click()
    settled(page)
    earlier = len(example.runs())
    page.get_by_test_id("stSidebar").get_by_role("button", name="Retrain", exact=False).first.click()
    wait_until(page, lambda: len(example.runs()) > earlier, "a saved run")
    expect(page.get_by_role("button", name="Ask the adviser", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Take it")).to_have_count(0)


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
    expect(sidebar.get_by_role("button", name="Take it")).to_be_visible(timeout=180_000)
    settled(page)
    go_to(page, "Retrain")
    expect(page.get_by_text("On your data:")).to_be_visible()
    expect(page.get_by_label("Epochs")).to_have_value("200")
    expect(page.get_by_role("spinbutton", name="Batch size")).to_have_value("64")
    settled(page)
    go_to(page, "Neurons")
    expect(box).to_have_value(neuron)
