"""Drawing on the map of the Groups screen: what is chosen, what outlasts a reload, and UMAP."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from neurontune_core.workspace.workspace import Workspace
from tests.support.browser import Server, settled
from tests.support.projects import write_project

AXES, UMAP = "[class*=st-key-map-principal-axes]", "[class*=st-key-map-UMAP]"
WHOLE = ((0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.02))
LEFT = ((0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98), (0.02, 0.02))


def shown(page: Page, chart: str = AXES) -> None:
    page.wait_for_function(
        f"document.querySelector('{chart} .js-plotly-plot')?._fullLayout?._plots?.xy", timeout=180_000
    )
    settled(page)


def draw(page: Page, corners: tuple[tuple[float, float], ...], chart: str = AXES) -> None:
    """Along corners that are given as shares of the chart's width and height."""
    box = page.locator(f"{chart} .nsewdrag").bounding_box()
    assert box
    pixels = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*pixels[0])
    page.mouse.down()
    for x, y in pixels[1:]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()


def chosen(page: Page) -> str:
    settled(page)
    return page.get_by_text(re.compile(r"of 300 samples chosen")).inner_text().partition(" ")[0]


def test_samples_lassoed_on_the_map_become_a_group(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/groups")
    shown(page)
    draw(page, WHOLE)
    expect(page.get_by_text("300 of 300 samples chosen")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("everything")
    page.get_by_role("button", name="Keep 300 as a group").click()
    expect(page.get_by_test_id("stMain").get_by_label("Delete group")).to_be_visible()
    group = json.loads((server.home / "projects" / "example" / "own_groups.json").read_text())["groups"][0]
    assert (group["name"], len(group["sample_ids"])) == ("everything", 300)


def test_what_is_drawn_outlasts_another_screen_and_a_reload_until_it_is_cleared(
    server: Server, page: Page, chromium: Browser
) -> None:
    page.goto(f"{server.url}/groups")
    shown(page)
    draw(page, LEFT)
    expect(page.get_by_text("The trained head gets")).to_be_visible()
    number = chosen(page)
    assert 0 < int(number) < 300
    address = page.url
    assert "outline=lasso_" in address
    page.get_by_role("link", name="Check").click()
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Groups").click()
    shown(page)
    assert chosen(page) == number
    expect(page.locator(f"{AXES} .selectionlayer path").first).to_be_attached()

    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    again = context.new_page()
    again.goto(address)
    shown(again)
    assert chosen(again) == number
    expect(again.locator(f"{AXES} .selectionlayer path").first).to_be_attached()
    again.get_by_role("button", name="Clear").click()
    expect(again.get_by_text("0 of 300 samples chosen")).to_be_visible()
    expect(again.locator(f"{AXES} .selectionlayer path")).to_have_count(0)
    assert "outline" not in again.url
    draw(again, LEFT)
    expect(again.get_by_text(f"{number} of 300 samples chosen")).to_be_visible()
    settled(again)
    again.locator(f"{AXES} .nsewdrag").dblclick(position={"x": 400, "y": 20})  # plotly's own way
    expect(again.get_by_text("0 of 300 samples chosen")).to_be_visible()
    context.close()


def test_a_box_chooses_and_is_moved(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/groups")
    shown(page)
    page.locator(f"{AXES} .nsewdrag").hover()
    page.locator(f"{AXES} [data-title='Box Select']").click()
    draw(page, ((0.02, 0.02), (0.4, 0.98)))
    expect(page.get_by_text("The trained head gets")).to_be_visible()
    first = chosen(page)
    assert "outline=box_" in page.url
    draw(page, ((0.2, 0.5), (0.6, 0.5)))
    expect(page.get_by_text(f"{first} of 300 samples chosen")).to_have_count(0)
    assert 0 < int(chosen(page)) < 300


def test_umap_is_made_drawn_on_and_kept(server: Server, page: Page) -> None:
    write_project(Workspace(server.home).new_folder("birds"))
    page.goto(f"{server.url}/groups?project=birds")
    shown(page)
    page.get_by_role("radio", name="UMAP").click()
    expect(page.get_by_text(re.compile("Computing UMAP"))).to_be_visible()
    shown(page, UMAP)
    expect(page.get_by_text(re.compile("Computing UMAP"))).to_have_count(0)
    draw(page, WHOLE, UMAP)
    expect(page.get_by_text("240 of 240 samples chosen")).to_be_visible()
    maps = list(Path(server.home / "projects" / "birds" / "maps").iterdir())
    jobs = list((server.home / "jobs").glob("*/config.json"))
    assert len(maps) == len(jobs) == 1
    page.reload()
    shown(page, UMAP)
    expect(page.get_by_text("240 of 240 samples chosen")).to_be_visible()
    assert list((server.home / "jobs").glob("*/config.json")) == jobs
