"""How long a person waits: λ or the mask value moved, or the next neuron chosen, until the page has settled.

On the built-in example (1,280 neurons, pictures and heatmaps) and on a generated project of 20,000 × 2,048 vectors,
before a retraining and after it, when the sidebar draws its curves.
From the key or click until the script has run, nothing is stale, the changed chart is drawn and, for the next neuron,
the pictures are decoded; in headless Chromium. The mask value is moved to one that was not looked at before, so the
curve over λ is computed. Beside it, in the same run: what scoring anew at each move by np.median per class would add.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from in_browser import FLAGS, PAINTED, SETTLED, served, waited, write_vectors
from playwright.sync_api import Browser, Page, sync_playwright

from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, Workspace

BIG = "big"
TARGETS = {"λ moved": 400, "mask value moved": 400, "next neuron": 300}  # ms, p95
VIEWPORT = {"width": 1440, "height": 1000}
MASK_VALUES = 15  # steps of the slider that change what can be seen; near 1 the mask does nothing
LINE = "document.querySelector('.st-key-ranking .annotation-text')?.textContent"
LINES = "[...document.querySelectorAll('.st-key-%s .scatterlayer .js-line')].map(line => line.getAttribute('d')).join()"
EFFECT, DISTRIBUTION = LINES % "effect", LINES % "distribution"
ADVISED = "document.querySelector('.st-key-advice-card')"  # the adviser has answered


def medians_ms(project: Project) -> float:
    """Time np.median per class and outcome, once: what a page without kept scores would add to every move."""
    identification = project.load_set("identification")
    right = project.load_head().predict(identification.embeddings) == identification.labels
    vectors = identification.embeddings
    began = time.perf_counter()
    for label in range(identification.num_classes):
        for outcome in (right, ~right):
            np.median(np.abs(np.asarray(vectors[(identification.labels == label) & outcome], dtype=np.float32)), axis=0)
    return 1e3 * (time.perf_counter() - began)


def opening(start: Callable[[], Browser], *, browser_first: bool) -> float:
    """Return the seconds from the command until the example is shown with its chart, in a workspace of its own."""
    browser = start() if browser_first else None
    began = time.perf_counter()
    with served(Path(tempfile.mkdtemp())) as url:
        browser = browser or start()
        page = browser.new_page(viewport=VIEWPORT)
        page.goto(url)
        page.wait_for_function("document.querySelector('.js-plotly-plot .points path')", timeout=60_000)
        seconds = time.perf_counter() - began
        browser.close()
    return seconds


def moves(page: Page, url: str, project: Project, times: int) -> None:
    """Measure and print every kind of move on one project."""
    name = project.source.name
    page.goto(f"{url}/neurons?project={name}")
    page.wait_for_function(f"() => {LINE} && {DISTRIBUTION} && {SETTLED}", timeout=120_000)
    page.wait_for_timeout(8_000)  # the network and the first heatmaps load meanwhile
    page.evaluate(PAINTED)
    threshold, mask_value = page.get_by_test_id("stSidebar").locator("input[type=range]").all()[:2]
    right, following = (partial(page.keyboard.press, key) for key in ("ArrowRight", "j"))
    kinds = (
        ("λ moved", threshold, right, LINE, times),
        ("mask value moved", mask_value, right, EFFECT, min(times, MASK_VALUES)),
        ("next neuron", threshold, following, DISTRIBUTION, times),
    )
    anew = medians_ms(project)
    for state in ("before retraining", "after"):
        if state == "after":
            page.keyboard.press("Control+Enter")
            page.wait_for_function(f"() => {ADVISED} && {SETTLED}", timeout=300_000)
        for what, slider, act, changed, count in kinds:
            if state == "after" and what == "mask value moved":
                continue  # all of its values have been looked at
            slider.focus()
            p50, p95 = np.percentile([waited(page, act, changed) for _ in range(count)], [50, 95])
            print(
                f"{name:8s} {state:18s} {what:16s} p50 {p50:5.0f} ms  p95 {p95:5.0f} ms  target {TARGETS[what]} ms"
                + f"   np.median each move would add {anew:5.0f} ms: {(p50 + anew) / p50:.1f} times as long"
                * (what == "λ moved")
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=30, help="moves of each kind")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    workspace = Workspace(Path(tempfile.mkdtemp()))
    write_vectors(workspace.new_folder(BIG), "20,000 vectors", 20_000, 2_048)
    with sync_playwright() as playwright:
        start = partial(playwright.chromium.launch, executable_path=options.chromium, args=FLAGS)
        for browser_first, condition in ((True, "browser started before"), (False, "Chromium's start in it")):
            seconds = opening(start, browser_first=browser_first)
            print(f"command -> example shown with its chart: {seconds:.1f} s ({condition})")
        with served(workspace.root) as url:
            browser = start()
            page = browser.new_page(viewport=VIEWPORT)
            for name in (DEFAULT_EXAMPLE, BIG):
                moves(page, url, workspace.open(name), options.times)
            browser.close()


if __name__ == "__main__":
    main()
