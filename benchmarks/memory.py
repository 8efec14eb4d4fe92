"""How much memory a whole session takes on 202,598 × 2,048 vectors, as many as CelebA has.

162,770 samples to tune on, 19,914 to identify and 19,914 to evaluate on, in a generated project. The real app is driven
in headless Chromium through every screen: each split looked at, λ and the mask value moved, neurons stepped through,
slices and the map, a retraining of forty epochs with masking off beside it and the adviser after it, what was fixed and
broken, the exported head. Five times a second the memory of the app and its jobs is read: what is its own, and with the
pages of mapped files (each counted once: Pss), which the system takes back whenever it needs them.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from in_browser import FLAGS, SETTLED, served, write_vectors
from playwright.sync_api import Page, sync_playwright

from neurontune_core.workspace.workspace import Workspace

SPLITS = ("train", "val", "test")
_OWN, _FILES = ("Pss_Anon", "Pss_Shmem"), ("Pss_File",)
_GB = 1024**2  # kB


class Watch:
    """The highest sums over this process's Python children since the last look, in GB."""

    def __init__(self) -> None:
        self.own = self.all = 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            own = everything = 0.0
            for child in psutil.Process().children(recursive=True):
                try:
                    if "python" not in child.name():
                        continue
                    rollup = Path(f"/proc/{child.pid}/smaps_rollup").read_text()
                except (OSError, psutil.NoSuchProcess):  # it has just ended
                    continue
                parts = {name: int(kb) / _GB for name, kb in re.findall(r"^(Pss_\w+):\s+(\d+)", rollup, re.MULTILINE)}
                own += sum(parts[name] for name in _OWN)
                everything += sum(parts[name] for name in (*_OWN, *_FILES))
            self.own, self.all = max(self.own, own), max(self.all, everything)
            time.sleep(0.2)


def settled(page: Page) -> None:
    page.wait_for_timeout(500)
    page.wait_for_function(SETTLED, timeout=600_000)


def stages(page: Page, url: str) -> list[tuple[str, Callable[[], None]]]:
    """Return what is done, in order."""

    def visit(path: str) -> Callable[[], None]:
        def go() -> None:
            page.goto(f"{url}/{path}{'&' if '?' in path else '?'}project=big")
            settled(page)

        return go

    def move() -> None:
        sliders = page.get_by_test_id("stSidebar").locator("input[type=range]")
        for place, key in ((0, "ArrowRight"), (1, "ArrowRight"), (0, "j")):
            sliders.nth(place).focus()
            for _ in range(5):
                page.keyboard.press(key)
                settled(page)

    def retrain() -> None:
        page.get_by_test_id("stSidebar").get_by_role("button", name="Retrain", exact=False).first.click()
        page.get_by_text("Advised head, on").wait_for(timeout=600_000)
        settled(page)

    return [
        ("first screen", visit("")),
        *((f"neurons, split {split}", visit(f"neurons?split={split}")) for split in SPLITS),
        ("λ, mask value, next neurons", move),
        *((f"map of {split}", visit(f"groups?split={split}")) for split in SPLITS),
        ("slices of mistakes", visit("groups?split=test&way=where+mistakes+gather")),
        ("slices of a neuron", visit("groups?split=train&way=where+the+chosen+neuron+fires")),
        ("retraining, then the adviser", retrain),
        *((f"fixed and broken, {split}", visit(f"check?split={split}")) for split in SPLITS),
        ("export", visit("export")),
        ("compare", visit("compare")),
        ("ablations", visit("ablations")),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace(Path(home))
        write_vectors(workspace.new_folder("big"), "As large as CelebA", 19_914, 2_048, tuning_samples=162_770)
        with sync_playwright() as playwright, served(workspace.root) as url:
            browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            watch, most = Watch(), (0.0, 0.0)
            print("| what | seconds | own, GB | with mapped files, GB |\n|---|---|---|---|")
            for name, act in stages(page, url):
                watch.own = watch.all = 0.0
                began = time.perf_counter()
                act()
                seconds = time.perf_counter() - began
                most = max(most[0], watch.own), max(most[1], watch.all)
                print(f"| {name} | {seconds:.1f} | {watch.own:.2f} | {watch.all:.2f} |", flush=True)
            print(f"| most | | {most[0]:.2f} | {most[1]:.2f} |")
            browser.close()


if __name__ == "__main__":
    main()
