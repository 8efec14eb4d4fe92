"""Parts of the screen whose data change twice at once, as where the browser is slower than the keys.

Streamlit then calls what tidies up after the first data, although the part stays on the page.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from neurontune_core.session.index_ranges import pack_int32
from pages.parts.neuron import stepping
from pages.parts.samples import wall
from tests.support.browser import steady, wait_until

pytestmark = pytest.mark.browser

PARTS = Path(wall.__file__).parent
TWICE = """async ([code, first, second]) => {
    const part = await import('data:text/javascript;charset=utf-8,' + encodeURIComponent(code))
    const host = document.body.appendChild(document.createElement('div'))
    host.innerHTML = '<div class=root style="width:600px"></div>'
    window.told = []
    const show = data => part.default({ data, parentElement: host, setStateValue: (name, value) => told.push(value) })
    const tidy = show(first)
    show(second)
    tidy?.()
    window.host = host
}"""


def shown_twice(page: Page, code: str, first: dict, second: dict) -> None:
    page.route("**/*", answered)
    page.goto("http://parts.test/")
    page.evaluate(TWICE, [code, first, second])


def answered(route: Route) -> None:
    """Answer with an empty page, and for every picture asked for a part of a form."""
    rows = route.request.url.partition("rows=")[2]
    if not rows:
        route.fulfill(body="<!doctype html><body>", content_type="text/html")
        return
    part = '--x\r\nContent-Disposition: form-data; name="{0}"; filename="{0}"\r\nContent-Type: image/svg+xml\r\n\r\n'
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>\r\n'
    body = "".join(part.format(row) + picture for row in rows.split(",")) + "--x--\r\n"
    route.fulfill(body=body, content_type="multipart/form-data; boundary=x")


def test_keys_still_step_and_stop_once_the_buttons_are_gone(page: Page) -> None:
    data = {"names": ["back", "on"], "place": 0, "count": 9, "presses": 0}
    shown_twice(page, stepping._JS, data, data | {"place": 3})
    page.keyboard.press("j")
    page.keyboard.press("j")
    sent = [{"place": 4, "list": None, "presses": 1}, {"place": 5, "list": None, "presses": 2}]
    wait_until(page, lambda: len(page.evaluate("told")) >= 2, "two presses")
    assert steady(page, lambda: page.evaluate("told")) == sent
    page.evaluate("host.remove()")
    page.keyboard.press("j")
    assert steady(page, lambda: page.evaluate("told")) == sent


def test_a_wall_still_fetches_its_pictures_and_follows_the_width(page: Page) -> None:
    code = "\n".join((PARTS / name).read_text(encoding="utf-8") for name in ("image_strip.js", "marked.js", "wall.js"))
    data = {
        "rows": pack_int32([4, 2]), "captions": ["four", "two"], "caption": None, "correct": None, "photo": "/pictures",
        "texts": None, "bare": False, "heat": None, "words": None, "several": True, "side": 96, "lines": 3,
        "height": 300, "name": "samples", "title": "", "colors": ["#00f", "#f00"], "selected": pack_int32([]),
        "opened": None,
    }  # fmt: skip
    shown_twice(page, code, data, data | {"rows": pack_int32([7, 5])})
    expect(page.locator("img.photo")).to_have_count(2)
    for place, row in enumerate(("7", "5")):
        expect(page.locator("img.photo").nth(place)).to_have_attribute("data-row", row)
    width = "document.querySelector('[role=option]').clientWidth"
    before = steady(page, lambda: page.evaluate(width))
    page.evaluate("host.querySelector('.root').style.width = '250px'")
    page.wait_for_function(f"before => {width} !== before", arg=before)
