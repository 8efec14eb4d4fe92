"""Take the moving picture of README from the real app on the built-in example: the whole loop in a dozen frames.

`make pictures` runs it after `make_pictures.py`, from which it has how a screen is waited for.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from make_pictures import BROWSERS, PAINTED, ROOT, SETTLED, rendered
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from in_browser import FLAGS, served  # isort: skip  # make_pictures has put benchmarks/ on the path

SIZE = {"width": 1280, "height": 900}
TAG = (0.50, 0.83, 0.99, 0.99)  # left, top, right, bottom of the tag in the image that the Point screen opens with
SECONDS = {"overview": 3.5, "neurons": 3.5, "box": 2, "proof": 4, "masked": 3, "retrained": 3.5, "export": 3}


def walk(page: Page, url: str) -> dict[str, Image.Image]:
    """Go through the loop as a newcomer does, and return what is on screen after each step."""
    page.set_default_timeout(120_000)
    expect.set_options(timeout=180_000)
    page.add_init_script(PAINTED)
    frames: dict[str, Image.Image] = {}
    page.goto(url)
    expect(page.locator(".js-plotly-plot .points path").first).to_be_visible()
    frames["overview"] = rendered(page)
    guide = page.locator(".st-key-guide")
    guide.get_by_role("link").click()
    expect(page.get_by_text("rank 1 of")).to_be_visible()
    page.wait_for_timeout(8_000)  # heatmaps
    frames["neurons"] = rendered(page)
    guide.get_by_role("link").click()
    stage = page.get_by_role("application").first
    expect(stage).to_be_visible()
    page.wait_for_function(SETTLED)
    box = stage.bounding_box()
    assert box
    left, top, right, bottom = (
        box[side] + share * box[length]
        for side, length, share in zip("xyxy", ("width", "height") * 2, TAG, strict=True)
    )
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, bottom, steps=5)
    page.mouse.up()
    page.get_by_role("textbox", name="Name", exact=True).fill("tag")
    frames["box"] = rendered(page)
    page.get_by_role("button", name="Measure").click()
    page.get_by_role("button", name="Mask the cue", exact=True).wait_for()
    frames["proof"] = rendered(page)
    page.get_by_role("button", name="Mask the cue", exact=True).click()
    expect(page.get_by_text("By the cue tag")).to_be_visible()
    frames["masked"] = rendered(page)
    page.get_by_role("button", name="Retrain with it").click()
    expect(page.get_by_test_id("stSidebar").get_by_role("button", name="Take it")).to_be_visible()
    frames["retrained"] = rendered(page)
    page.get_by_test_id("stTopNav").get_by_role("link", name="Export", exact=True).click()
    page.get_by_role("button", name="Prepare the files").click()
    expect(page.locator(".st-key-mask-json button")).to_be_visible()
    frames["export"] = rendered(page)
    return frames


def main() -> None:
    """Serve the app on an empty workspace, walk, and write docs/loop.webp."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        frames = walk(browser.new_page(viewport=SIZE), url)
        browser.close()
    first, *others = frames.values()
    lengths = [int(1000 * SECONDS[name]) for name in frames]
    path = ROOT / "docs" / "loop.webp"
    first.save(path, save_all=True, append_images=others, duration=lengths, loop=0, quality=75, method=6)


if __name__ == "__main__":
    main()
