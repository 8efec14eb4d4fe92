"""Reading and waiting on a screen in the browser.

Streamlit draws piece by piece: the words beside a field may be new while the field is still the old one. So nothing is
read at once; every reading waits for what it expects, or until it has stayed the same for a moment.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Locator, Page, expect

from neurontune_core.workspace.workspace import Workspace

PATIENCE = 60.0  # seconds; a busy machine is slow, not wrong
_MOMENT = 500  # milliseconds in which nothing may change
_tokens = count()
# Asked once a frame, so that a run that begins and ends in between starts the moment anew.
_QUIET = f"""token => {{
    const idle = document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')
        && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
    if (window.quiet?.token !== token || !idle) window.quiet = {{token, since: performance.now()}}
    return idle && performance.now() - window.quiet.since > {_MOMENT}
}}"""


@dataclass(frozen=True)
class Server:
    url: str
    home: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.home)

    def address(self, screen: str = "", **parameters: object) -> str:
        return f"{self.url}/{screen}?{urlencode(parameters)}" if parameters else f"{self.url}/{screen}"

    def new_folder(self, name: str) -> Path:
        """Return the folder of a new project of this name, or of the name with a number where it is taken."""
        return self.workspace.new_folder(self.workspace.free_name(name))


def settled(page: Page) -> None:
    """Wait until for a moment no script has run and nothing on the page was stale or still to come; a page that has
    just been loaded may run once more. Then expect content."""
    page.wait_for_function(_QUIET, arg=next(_tokens))
    assert page.locator("[role=dialog]").count() == 0


def wait_until(page: Page, holds: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for what no locator can tell: a file, the URL, several elements at once."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        page.wait_for_timeout(100)


def steady(page: Page, read: Callable[[], Any]) -> Any:
    """Return the value of a reading that has given the same twice, a moment apart."""
    readings = [read()]

    def same() -> bool:
        page.wait_for_timeout(_MOMENT // 2)
        readings.append(read())
        return readings[-1] == readings[-2]

    wait_until(page, same, f"a reading that stays the same, after {readings}")
    return readings[-1]


def text(locator: Locator, pattern: str = r"\S") -> str:
    """Return the text of an element, once it has one of the pattern and keeps it."""
    expect(locator).to_have_text(re.compile(pattern))
    return steady(locator.page, locator.inner_text)


def value(locator: Locator) -> str:
    """Return the value of a field, once it has one and keeps it."""
    expect(locator).not_to_have_value("")
    return steady(locator.page, locator.input_value)


def first_number(locator: Locator) -> int:
    """Return the number that a text begins with."""
    return int(text(locator, r"^\d").split()[0].replace(",", ""))


def parameters(page: Page) -> list[tuple[str, str]]:
    """Return the parameters of the URL in a fixed order."""
    return sorted(parse_qsl(urlsplit(page.url).query))


def expect_parameters(page: Page, expected: list[tuple[str, str]]) -> None:
    """Wait until the URL has these parameters, and nothing else a moment later."""
    wait_until(page, lambda: parameters(page) == sorted(expected), f"{sorted(expected)} in the URL")
    assert steady(page, lambda: parameters(page)) == sorted(expected)


def expect_no_parameter(page: Page, *names: str) -> None:
    """Wait until the URL has none of these, also a moment later."""

    def absent() -> bool:
        return {name for name, _ in parameters(page)}.isdisjoint(names)

    wait_until(page, absent, f"a URL without {names}")
    assert steady(page, absent)


def plotted(page: Page, chart: str, seconds: float = PATIENCE) -> Locator:
    """Return the chart of Plotly in an element, once it is drawn."""
    drawn = f"document.querySelector('{chart} .js-plotly-plot')?._fullLayout?._plots?.xy"
    page.wait_for_function(drawn, timeout=1000 * seconds)
    return page.locator(f"{chart} .js-plotly-plot")


def go_to(page: Page, screen: str) -> None:
    """Follow the link of the navigation to a screen of the loop."""
    page.get_by_test_id("stTopNav").get_by_role("link", name=screen, exact=True).click()


def threshold(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar").locator("input[type=range]").first


def strip_value(page: Page, head: str) -> Locator:
    """Return the accuracy that the strip gives for a head."""
    return page.locator(".nt-strip .head").filter(has=page.get_by_text(head, exact=True)).locator(".worst")


def metric(page: Page, label: str) -> Locator:
    return (
        page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True)).get_by_test_id("stMetricValue")
    )


def choose(page: Page, box: str, option: str) -> None:
    """Choose an option of a select box by hand."""
    field = page.get_by_role("combobox", name=box, exact=True)
    field.click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(field).to_have_value(option)
    settled(page)


def seen(page: Page, kind: str) -> list[str]:
    """Return the rows of the images of a kind on both walls, once all are painted; they lie in shadow roots."""
    pictures = page.locator(kind)
    for outcome in ("correct", "misclassified"):
        wall = page.get_by_role("listbox", name=f"Most activating, {outcome}", exact=True)
        expect(wall.locator(kind).first).to_be_attached()
    painted = "all => all.every(one => one.complete && one.naturalWidth === 192)"
    wait_until(page, lambda: pictures.evaluate_all(painted), f"{kind}, painted")
    return steady(page, lambda: pictures.evaluate_all("all => all.map(one => one.dataset.row)"))


def masked(page: Page) -> Locator:
    """Return the heading that begins with the number of masked neurons."""
    return page.get_by_role("heading", name=re.compile("of 1280 masked"))


def expect_masked(page: Page, number: int) -> None:
    expect(page.get_by_role("heading", name=re.compile(rf"^{number} of 1280 masked"))).to_be_visible()
    settled(page)


def download(page: Page, name: str, folder: Path) -> Path:
    """Save a file of the Export screen to the folder; the files are prepared first where they are not yet."""
    prepare = page.get_by_role("button", name="Prepare the files")
    if prepare.is_enabled():
        prepare.click()
    expect(prepare).to_be_disabled()
    settled(page)
    with page.expect_download() as event:
        page.locator(f".st-key-{name.replace('.', '-')} button").click()
    event.value.save_as(folder / name)
    return folder / name
