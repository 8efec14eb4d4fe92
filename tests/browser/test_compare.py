"""Comparing methods as a person does: choose, run, read, run again, stop, come back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from neurontune_core.experiments.comparison import comparisons
from neurontune_core.workspace.project import Project
from tests.support.browser import Server, plotted, settled, steady, wait_until

pytestmark = pytest.mark.browser


def run(page: Page, seeds: int) -> None:
    field = page.locator(".st-key-seeds input")
    field.fill(str(seeds))
    field.press("Enter")
    expect(field).to_have_value(str(seeds))
    settled(page)
    page.get_by_role("button", name="Compare", exact=True).click()


def test_two_methods_are_compared_and_a_second_comparison_is_stopped(
    server: Server, page: Page, example: Project
) -> None:
    page.goto(server.address("compare", project=example.folder.name))
    expect(page.get_by_text("Nothing is compared yet")).to_be_visible()
    settled(page)
    for name in ("Remove SELF", "Remove NeuronTune†"):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    run(page, 1)
    expect(page.get_by_text("Average against worst")).to_be_visible()
    plot, names = plotted(page, ".st-key-tradeoff"), "plot => plot.data.flatMap(trace => trace.customdata ?? [])"
    settled(page)
    assert sorted(steady(page, lambda: plot.evaluate(names))) == ["AFR", "ERM", "NeuronTune", "No masking"]
    with page.expect_download() as download:
        page.locator(".st-key-download-tex button").click()
    assert download.value.path().read_text(encoding="utf-8").count(r"\\") == 5

    run(page, 20)
    expect(page.get_by_text(re.compile(r"Compare 4 methods · [1-9]\d* of 42 runs"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("cancelled after")).to_be_visible()
    wait_until(page, lambda: len(comparisons(example)) == 2, "two comparisons on disk")
    kept, whole = comparisons(example)
    assert 0 < sum(each.seeds for each in kept.summaries) < 42
    assert whole.complete
    page.reload()
    expect(page.get_by_text("cancelled after")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    settled(page)
