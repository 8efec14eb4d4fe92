"""How long a person waits after drawing on a large map: mouse-up of a lasso until the linked views are painted.

On a generated project of 100,000 × 64 vectors, in headless Chromium. The linked views are the number of chosen samples,
the sentence on their accuracy and the wall of them; all three have to speak of the new choice. Lassos of 48 corners of
two sizes, in turn, around the middle of the map: about a seventh and about two thirds of all samples.
"""

from __future__ import annotations

import argparse
import tempfile
from math import cos, pi, sin
from pathlib import Path

import numpy as np
from in_browser import FLAGS, PAINTED, SETTLED, served, waited, write_vectors
from playwright.sync_api import Page, sync_playwright

from neurontune_core.workspace.workspace import Workspace

SAMPLES, NEURONS = 100_000, 64
CHART = "[class*=st-key-map-principal-axes]"
READY = f"document.querySelector('{CHART} .js-plotly-plot')?._fullLayout?._plots?.xy && {SETTLED}"
LINKED = r"""(() => {
  const texts = [...document.querySelectorAll('[data-testid=stMain] p')].map(each => each.textContent)
  const count = texts.map(text => text.match(/^([\d,]+) of [\d,]+ samples chosen/)?.[1]).find(Boolean)
  const right = texts.map(text => text.match(/gets ([\d,]+) of them right/)?.[0]).find(Boolean)
  const wall = [...document.querySelectorAll('*')].map(each => each.shadowRoot?.querySelector('.count')?.textContent).find(Boolean)
  return right && wall?.includes(` of ${count} selected`) ? `${count} ${right}` : window.before
})()"""  # noqa: E501


def lasso(page: Page, across: float, radius: float) -> None:
    """Draw all but the last step, the mouse still down; side by side, as a drag from within an outline moves it."""
    box = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    assert box
    middle = (box["x"] + across * box["width"], box["y"] + box["height"] / 2)
    reach = radius * box["height"]
    for corner in range(49):
        angle = 2 * pi * corner / 48
        page.mouse.move(middle[0] + reach * cos(angle), middle[1] + reach * sin(angle))
        if not corner:
            page.mouse.down()
    page.wait_for_timeout(300)  # what the chart shows while drawing is done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=30, help="lassos")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp())
    write_vectors(Workspace(home).new_folder("big"), f"{SAMPLES:,} vectors", SAMPLES, NEURONS)
    with served(home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{url}/groups?project=big")
        page.wait_for_function(f"() => {READY}", timeout=120_000)
        page.wait_for_timeout(3_000)
        page.evaluate(PAINTED)
        latencies, sizes = [], []
        for number in range(options.times + 2):
            lasso(page, *((0.4, 0.12), (0.7, 0.25))[number % 2])
            latencies.append(waited(page, page.mouse.up, LINKED))
            sizes.append(page.evaluate(LINKED))
        browser.close()
    p50, p95 = np.percentile(latencies[2:], [50, 95])  # the first of each size loads what the page has not shown yet
    print(f"lasso -> linked views  p50 {p50:.0f} ms  p95 {p95:.0f} ms   {sizes[-2]}; {sizes[-1]}")


if __name__ == "__main__":
    main()
