"""The guided way, walked by its own links alone: from the first screen to the files of a head."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from pages.parts.frame.guide import GUIDE
from tests.support.browser import Server, settled
from tests.support.examples import copy_example


def test_a_newcomer_is_at_the_exported_head_after_six_clicks(server: Server, page: Page) -> None:
    folder, clicks = server.new_folder("newcomer"), 0
    copy_example(folder)
    page.goto(server.address("", project=folder.name))
    for number, step in enumerate(GUIDE.values(), 1):
        expect(page.get_by_text(f"{number} of {len(GUIDE)} · {step.question}")).to_be_visible()
        settled(page)
        if step.following:
            way = page.locator(".st-key-guide").get_by_text(step.link)
            way.click()
            clicks += 1
    page.get_by_role("button", name="Prepare the files").click()
    clicks += 1
    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name="Download").first.click()
        clicks += 1
    assert download.value.suggested_filename
    assert clicks <= 6
