"""Take the images of README from the real app on the built-in example (`make pictures`).

Each screen is opened in headless Chromium at 1440 pixels and kept as a JPEG 1080 pixels wide.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from in_browser import FLAGS, PAINTED, SETTLED, served  # noqa: E402

WIDTH = 1080
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def photograph(page: Page, name: str, height: int = 1250) -> None:
    """Keep the screen as a JPEG in docs/."""
    page.set_viewport_size({"width": 1440, "height": height})
    rendered(page).save(ROOT / "docs" / f"{name}.jpg", quality=88, optimize=True)


def rendered(page: Page) -> Image.Image:
    """Wait until nothing on the page is under way, and return it, 1080 pixels wide."""
    page.mouse.move(800, 5)  # off any button, so that no help covers the screen
    for _ in range(3):
        page.wait_for_function(SETTLED)
        page.wait_for_function("painted()")
        page.wait_for_timeout(1_000)
    image = Image.open(io.BytesIO(page.screenshot()))
    return image.convert("RGB").resize((WIDTH, image.height * WIDTH // image.width), Image.Resampling.LANCZOS)


def walk(page: Page, url: str) -> None:
    """Go through the screens in the order in which a person meets them."""
    page.set_default_timeout(120_000)
    expect.set_options(timeout=180_000)  # a busy machine is slow, not wrong
    page.add_init_script(PAINTED)
    page.goto(url)
    expect(page.locator(".js-plotly-plot .points path").first).to_be_visible()
    photograph(page, "overview")
    page.get_by_role("button", name="End guide").click()
    page.get_by_role("link", name="Neurons", exact=True).click()
    expect(page.get_by_text("rank 1 of")).to_be_visible()
    page.wait_for_function(SETTLED)
    page.get_by_role("button", name="Retrain Shortcut").click()
    expect(page.get_by_test_id("stSidebar").get_by_role("button", name="Take it")).to_be_visible()
    photograph(page, "neurons", 1240)
    for name, title, height in (
        ("retrain", "Retrain", 1500),
        ("check", "Check", 1250),
        ("export", "Export", 1000),
        ("compare", "Compare", 1250),
        ("theory", "Theory lab", 1250),
    ):
        if name in ("compare", "theory"):  # in a menu of the bar
            page.goto(f"{url}/{name}")
        else:
            page.get_by_role("link", name=title, exact=True).click()
        expect(page.locator("h1").filter(has_text=title.split()[0])).to_be_visible()
        if name == "export":
            page.get_by_role("button", name="Prepare the files").click()
            expect(page.locator(".st-key-mask-json button")).to_be_visible()
        if name == "compare":
            page.get_by_role("button", name="Compare", exact=True).click()
            expect(page.get_by_text("Average against worst")).to_be_visible()
        photograph(page, name, height)


def main() -> None:
    """Serve the app on an empty workspace and photograph it."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        walk(browser.new_page(viewport={"width": 1440, "height": 1250}), url)
        browser.close()


if __name__ == "__main__":
    main()
