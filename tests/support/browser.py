"""Reading and waiting on a screen in the browser."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

UNFINISHED = "[data-stale=true], [data-testid=stSkeleton]"


@dataclass(frozen=True)
class Server:
    url: str
    home: Path


def settled(page: Page) -> None:
    """Wait until the script has run and nothing on the page is stale or still to come, twice with a pause between: a
    page that has just been loaded may run once more. Then assert on content."""
    for _ in range(2):
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.wait_for_function(f"document.querySelectorAll('{UNFINISHED}').length === 0")
        page.wait_for_timeout(400)
    assert page.locator("[role=dialog]").count() == 0


def threshold(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar").locator("input[type=range]").first


def metric(page: Page, label: str) -> str:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue").inner_text()


def seen(page: Page, kind: str) -> list[str]:
    """The rows of the pictures of a kind on both walls, once all are painted; they stand in shadow roots."""
    pictures = page.locator(kind)
    for outcome in ("correct", "misclassified"):
        wall = page.get_by_role("listbox", name=f"Most activating, {outcome}", exact=True)
        expect(wall.locator(kind).first).to_be_attached()
    deadline = time.monotonic() + 60
    while not pictures.evaluate_all("all => all.every(one => one.complete && one.naturalWidth === 192)"):
        assert time.monotonic() < deadline, f"{kind} were not painted"
        page.wait_for_timeout(100)
    return pictures.evaluate_all("all => all.map(one => one.dataset.row)")
