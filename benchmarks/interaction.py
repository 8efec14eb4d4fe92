"""How long a person waits: λ moved, or the next neuron chosen, until the page has settled; in headless Chromium.

On the built-in example (1,280 neurons, pictures and heatmaps) and on a generated project of 20,000 × 2,048 vectors.
From the key or click until the script has run, nothing is stale, the changed chart is drawn and, for the next neuron,
the pictures are decoded. Beside it, in the same run: what scoring anew at each move by np.median per class would add.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from in_browser import FLAGS, PAINTED, SETTLED, served, waited, write_vectors
from playwright.sync_api import sync_playwright

from neurontune_core.workspace import Project, Workspace

BIG = "big"
LINE = "document.querySelector('.st-key-ranking .annotation-text')?.textContent"
TITLE = "document.querySelector('.st-key-distribution .gtitle')?.textContent"
HEADING = "[...document.querySelectorAll('h4')].map(each => each.textContent).find(text => text.startsWith('Neuron'))"


def medians_ms(project: Project) -> float:
    """np.median per class and outcome, once: what a page without kept scores would add to every move."""
    each = project.load_set("identification")
    right = project.load_head().predict(each.embeddings) == each.labels
    began = time.perf_counter()
    for label in range(each.num_classes):
        for outcome in (right, ~right):
            np.median(np.abs(np.asarray(each.embeddings[(each.labels == label) & outcome], dtype=np.float32)), axis=0)
    return 1e3 * (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=30, help="moves of each kind")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp())
    workspace = Workspace(home)
    write_vectors(workspace.new_folder(BIG), "20,000 vectors", 20_000, 2_048)
    began = time.perf_counter()
    with served(home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(url)
        page.wait_for_function("document.querySelector('.js-plotly-plot .points path')", timeout=60_000)
        print(f"command -> example shown with its chart: {time.perf_counter() - began:.1f} s (Chromium's start in it)")
        for name in ("example", BIG):
            page.goto(f"{url}/neurons?project={name}")
            page.wait_for_function(f"() => {LINE} && {TITLE} && {SETTLED}", timeout=120_000)
            page.wait_for_timeout(8_000)  # the network and the first heatmaps load meanwhile
            page.evaluate(PAINTED)
            slider = page.get_by_test_id("stSidebar").locator("input[type=range]").first
            slider.focus()
            moved = [waited(page, partial(slider.press, "ArrowRight"), LINE) for _ in range(given.times)]
            following = page.get_by_role("button", name="chevron_right")
            chosen = [waited(page, following.click, HEADING) for _ in range(given.times)]
            anew = medians_ms(workspace.open(name))
            for what, found in (("λ moved", moved), ("next neuron", chosen)):
                p50, p95 = np.percentile(found, [50, 95])
                print(
                    f"{name:8s} {what:12s} p50 {p50:5.0f} ms  p95 {p95:5.0f} ms"
                    + f"   np.median each move would add {anew:5.0f} ms: {(p50 + anew) / p50:.1f} times as long"
                    * (what == "λ moved")
                )
        browser.close()


if __name__ == "__main__":
    main()
