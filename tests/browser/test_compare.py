"""Comparing methods as a person does: choose, run, watch, stop, read, come back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, settled

pytestmark = pytest.mark.browser


def test_two_methods_are_compared_stopped_and_gone_on_with(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/compare")
    expect(page.get_by_text("Nothing compared yet")).to_be_visible()
    settled(page)
    for name in ("SELF", "AFR"):
        page.get_by_test_id("stMultiSelect").get_by_role("button", name=re.compile(f"{name}")).first.click()
        settled(page)
    page.get_by_label("Seeds").fill("20")
    page.get_by_label("Seeds").press("Enter")
    settled(page)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text(re.compile(r"Compare 4 methods · [2-9] of 61 runs"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile("cancelled after"))).to_be_visible()
    expect(page.get_by_text(re.compile("not finished"))).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    settled(page)

    page.reload()
    expect(page.get_by_text(re.compile("cancelled after"))).to_be_visible()
    settled(page)
    page.get_by_label("Seeds").fill("1")
    page.get_by_label("Seeds").press("Enter")
    settled(page)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Average against worst")).to_be_visible(timeout=120_000)
    expect(page.get_by_text(re.compile("cancelled after"))).to_have_count(0)
    page.wait_for_function("document.querySelector('.st-key-tradeoff .js-plotly-plot')?._fullLayout?._plots?.xy")
    settled(page)
    names = page.locator(".st-key-tradeoff .js-plotly-plot").evaluate(
        "plot => plot.data.flatMap(trace => trace.customdata ?? [])"
    )
    assert sorted(names) == ["AFR", "ERM", "Masking off", "NeuronTune", "NeuronTune†", "SELF"]
    with page.expect_download() as download:
        page.locator(".st-key-download-tex button").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.count(r"\\") == 7
