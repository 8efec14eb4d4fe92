"""How long a person waits: λ or the mask value moved, or the next neuron chosen, until the page has settled.

On the built-in example (1,280 neurons, pictures and heatmaps) and on a generated project of 20,000 × 2,048 vectors.
From the key or click until the script has run, nothing is stale, the changed chart is drawn and, for the next neuron,
the pictures are decoded; in headless Chromium. The mask value is moved to one that was not looked at before, so the
curve over λ is computed. Beside it, in the same run: what scoring anew at each move by np.median per class would add.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.files import write_json
from neurontune_core.workspace import Project, Workspace

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
BIG = "big"
VIEWPORT = {"width": 1440, "height": 1000}
MASK_VALUES = 15  # steps of the slider that change what can be seen; near 1 the mask does nothing
SETTLED = """
    document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
    && document.querySelectorAll('[data-stale=true]').length === 0
"""
LINE = "document.querySelector('.st-key-ranking .annotation-text')?.textContent"
TITLE = "document.querySelector('.st-key-distribution .gtitle')?.textContent"
EFFECT = """
    [...document.querySelectorAll('.st-key-effect .scatterlayer .js-line')].map(line => line.getAttribute('d')).join()
"""
HEADING = "[...document.querySelectorAll('h4')].map(each => each.textContent).find(text => text.startsWith('Neuron'))"


def write_big(folder: Path, samples: int = 20_000, neurons: int = 2_048) -> None:
    """Vectors alone, a tenth of them misclassified."""
    rng = np.random.default_rng(0)
    head = LinearHead(rng.normal(size=(2, neurons)) / neurons**0.5, np.zeros(2))
    for split, count in (("train", 1_000), ("val", samples), ("test", samples)):
        vectors = np.maximum(rng.normal(size=(count, neurons), scale=1).astype(np.float16), 0)
        said = head.predict(vectors)
        labels = np.where(rng.random(count) < 0.1, 1 - said, said)
        attribute = rng.integers(0, 2, count)
        EmbeddingSet(
            vectors,
            labels,
            ("a", "b"),
            groups=2 * labels + attribute,
            group_names=("a0", "a1", "b0", "b1"),
            split=split,
        ).save(folder / "embeddings" / split)
    head.save(folder / "head.safetensors")
    content = {
        "format": "neurontune-project/1",
        "title": "20,000 vectors",
        "embeddings": {split: f"embeddings/{split}" for split in ("train", "val", "test")},
        "head": "head.safetensors",
        "roles": {"identification": "val", "tuning": "train", "evaluation": "test"},
    }
    write_json(folder / "project.json", content)


def waits(page: Page, act: Callable[[], None], changed: str, times: int) -> list[float]:
    """Milliseconds from each act until ``changed`` (an expression of the page) has another value and all is settled."""
    found = []
    for _ in range(times):
        before = page.evaluate(f"window.before = {changed}; performance.now()")
        act()
        page.wait_for_function(
            f"() => {changed} !== window.before && {SETTLED} && painted()", polling="raf", timeout=60_000
        )
        found.append(page.evaluate("performance.now()") - before)
        page.wait_for_timeout(300)
    return found


PAINTED = """
    window.painted = () => {
      const walk = root => [...root.querySelectorAll('*')].flatMap(each =>
        each.shadowRoot ? [...each.shadowRoot.querySelectorAll('[role=option] .box')] : [])
      const done = box => {
        const image = box.querySelector('img.photo')
        return image ? image.complete && image.naturalWidth > 0 : box.hasChildNodes()
      }
      return walk(document).every(done)
    }
"""


def medians_ms(project: Project) -> float:
    """np.median per class and outcome, once: what a page without kept scores would add to every move."""
    each = project.load_set("identification")
    right = project.load_head().predict(each.embeddings) == each.labels
    began = time.perf_counter()
    for label in range(each.num_classes):
        for outcome in (right, ~right):
            np.median(np.abs(np.asarray(each.embeddings[(each.labels == label) & outcome], dtype=np.float32)), axis=0)
    return 1e3 * (time.perf_counter() - began)


@contextmanager
def running(home: Path) -> Iterator[str]:
    """The app on a free port; its address as soon as it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "neurontune_core", "app", "--port", str(port), "--headless"]
    server = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"NEURONTUNE_HOME": str(home)}, stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def opening(start: Callable[[], Browser], *, browser_first: bool) -> float:
    """Seconds from the command until the built-in example is shown with its chart, in a workspace of its own."""
    browser = start() if browser_first else None
    began = time.perf_counter()
    with running(Path(tempfile.mkdtemp())) as url:
        browser = browser or start()
        page = browser.new_page(viewport=VIEWPORT)
        page.goto(url)
        page.wait_for_function("document.querySelector('.js-plotly-plot .points path')", timeout=60_000)
        found = time.perf_counter() - began
        browser.close()
    return found


def moves(page: Page, url: str, project: Project, times: int) -> None:
    """Measure and print every kind of move on one project."""
    name = project.source.name
    page.goto(f"{url}/neurons?project={name}")
    page.wait_for_function(f"() => {LINE} && {TITLE} && {SETTLED}", timeout=120_000)
    page.wait_for_timeout(8_000)  # the network and the first heatmaps load meanwhile
    page.evaluate(PAINTED)
    threshold, mask_value = page.get_by_test_id("stSidebar").locator("input[type=range]").all()[:2]
    threshold.focus()
    found = {"λ moved": waits(page, partial(threshold.press, "ArrowRight"), LINE, times)}
    mask_value.focus()
    press = partial(mask_value.press, "ArrowRight")
    found["mask value moved"] = waits(page, press, EFFECT, min(times, MASK_VALUES))
    following = page.get_by_role("button", name="Next in the ranking")
    found["next neuron"] = waits(page, following.click, HEADING, times)
    anew = medians_ms(project)
    for what, each in found.items():
        p50, p95 = np.percentile(each, [50, 95])
        print(
            f"{name:8s} {what:16s} p50 {p50:5.0f} ms  p95 {p95:5.0f} ms"
            + f"   np.median each move would add {anew:5.0f} ms: {(p50 + anew) / p50:.1f} times as long"
            * (what == "λ moved")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=30, help="moves of each kind")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    workspace = Workspace(Path(tempfile.mkdtemp()))
    write_big(workspace.new_folder(BIG))
    with sync_playwright() as playwright:
        start = partial(playwright.chromium.launch, executable_path=given.chromium, args=FLAGS)
        for browser_first, said in ((True, "browser started before"), (False, "Chromium's start in it")):
            seconds = opening(start, browser_first=browser_first)
            print(f"command -> example shown with its chart: {seconds:.1f} s ({said})")
        with running(workspace.root) as url:
            browser = start()
            page = browser.new_page(viewport=VIEWPORT)
            for name in ("example", BIG):
                moves(page, url, workspace.open(name), given.times)
            browser.close()


if __name__ == "__main__":
    main()
