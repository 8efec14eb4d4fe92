"""The real app on a workspace of its own, driven in headless Chromium: what the measurements of waiting share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.files import write_json

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
SETTLED = """
    document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
    && document.querySelectorAll('[data-stale=true]').length === 0
"""
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


def write_vectors(
    folder: Path, title: str, samples: int, neurons: int, clouds: int = 1, tuning_samples: int = 1_000
) -> None:
    """Write a project of vectors alone around as many middles as there are clouds, a tenth of them misclassified."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(clouds, neurons)) if clouds > 1 else np.zeros((1, neurons))
    head = LinearHead(rng.normal(size=(2, neurons)) / neurons**0.5, np.zeros(2))
    for split, count in (("train", tuning_samples), ("val", samples), ("test", samples)):
        vectors = np.empty((count, neurons), dtype=np.float16)
        for start in range(0, count, 10_000):
            cloud = np.arange(start, min(start + 10_000, count)) % clouds
            vectors[start : start + 10_000] = np.maximum(rng.normal(size=(len(cloud), neurons)) + middles[cloud], 0)
        predictions = head.predict(vectors)
        labels = np.where(rng.random(count) < 0.1, 1 - predictions, predictions)
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
        "title": title,
        "embeddings": {split: f"embeddings/{split}" for split in ("train", "val", "test")},
        "head": "head.safetensors",
        "roles": {"identification": "val", "tuning": "train", "evaluation": "test"},
    }
    write_json(folder / "project.json", content)


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Serve the app on the workspace ``home``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "neurontune_core", "app", "--port", str(port), "--headless"]
    server = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"NEURONTUNE_HOME": str(home)}, stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.02)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def waited(page: Page, act: Callable[[], None], changed: str) -> float:
    """Return the ms from the act until ``changed`` (an expression of the page) has another value and all is settled."""
    before = page.evaluate(f"window.before = {changed}; performance.now()")
    act()
    page.wait_for_function(
        f"() => {changed} !== window.before && {SETTLED} && painted()", polling="raf", timeout=60_000
    )
    waited_ms = page.evaluate("performance.now()") - before
    page.wait_for_timeout(300)
    return waited_ms
