"""An ablation as a person runs it: choose, run, stop, read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from neurontune_core.experiments.studies import saved_study
from neurontune_core.workspace.project import Project
from tests.support.browser import Server, plotted, settled, steady

pytestmark = pytest.mark.browser


def test_a_study_is_run_and_a_longer_one_is_stopped(server: Server, page: Page, example: Project) -> None:
    page.goto(server.address("ablations", project=example.folder.name, study="Which epoch is kept (Table 6)"))
    expect(page.get_by_text("How much depends on the rule")).to_be_visible()
    settled(page)
    page.locator(".st-key-run_study button").click()
    plot = plotted(page, ".st-key-study_figure")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    settled(page)
    study = saved_study(example, "rules")
    assert study is not None
    bars = steady(page, lambda: plot.evaluate("plot => plot.data.map(bar => bar.y)"))
    assert [round(bar, 1) for bar in bars[0]] == [
        round(100 * sum(part.values["worst group"]) / 3, 1) for part in study.parts if part.at["masking"] == "on"
    ]
    settled(page)
    field = page.locator(".st-key-study_seeds input")
    field.fill("50")
    field.press("Enter")
    expect(field).to_have_value("50")
    settled(page)
    page.locator(".st-key-run_study button").click()
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 2000 rounds"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled; the finished seeds")).to_be_visible()
