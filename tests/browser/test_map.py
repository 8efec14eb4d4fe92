"""Drawing on the map of the Groups screen: what is chosen, what outlasts a reload, and UMAP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.workspace.project import Project
from tests.support.browser import Server, expect_no_parameter, go_to, plotted, settled, text
from tests.support.projects import write_project

pytestmark = pytest.mark.browser

AXES, UMAP = "[class*=st-key-map-principal-axes]", "[class*=st-key-map-UMAP]"
WHOLE = ((0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.02))
LEFT = ((0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98), (0.02, 0.02))


def shown(page: Page, chart: str = AXES) -> None:
    plotted(page, chart, seconds=180)
    settled(page)


def draw(page: Page, corners: tuple[tuple[float, float], ...], chart: str = AXES) -> None:
    """Draw along corners that are given as shares of the chart's width and height."""
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
    return text(page.get_by_text(re.compile(r"of 300 samples chosen"))).partition(" ")[0]


def made(server: Server, folder: Path) -> list[Job]:
    """Return the jobs that made a map of the project."""
    return [job for job in JobStore(server.workspace.jobs).list() if job.config.get("source") == str(folder)]


def test_samples_lassoed_on_the_map_become_a_group(server: Server, page: Page, example: Project) -> None:
    page.goto(server.address("groups", project=example.folder.name))
    shown(page)
    draw(page, WHOLE)
    expect(page.get_by_text("300 of 300 samples chosen")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("everything")
    page.get_by_role("button", name="Keep 300 as a group").click()
    expect(page.get_by_test_id("stMain").get_by_label("Delete group")).to_be_visible()
    group = json.loads((example.folder / "own_groups.json").read_text())["groups"][0]
    assert (group["name"], len(group["sample_ids"])) == ("everything", 300)


def test_what_is_drawn_outlasts_another_screen_and_a_reload_until_it_is_cleared(
    server: Server, page: Page, new_page: Callable[[], Page], example: Project
) -> None:
    page.goto(server.address("groups", project=example.folder.name))
    shown(page)
    draw(page, LEFT)
    expect(page.get_by_text("The trained head classifies")).to_be_visible()
    number = chosen(page)
    assert 0 < int(number) < 300
    expect(page).to_have_url(re.compile(r"[?&]outline=lasso_"))
    address = page.url
    go_to(page, "Check")
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    settled(page)
    go_to(page, "Groups")
    shown(page)
    expect(page.get_by_text(f"{number} of 300 samples chosen")).to_be_visible()
    expect(page.locator(f"{AXES} .selectionlayer path").first).to_be_attached()

    again = new_page()
    again.goto(address)
    shown(again)
    expect(again.get_by_text(f"{number} of 300 samples chosen")).to_be_visible()
    expect(again.locator(f"{AXES} .selectionlayer path").first).to_be_attached()
    again.get_by_role("button", name="Clear", exact=True).click()
    expect(again.get_by_text("0 of 300 samples chosen")).to_be_visible()
    expect(again.locator(f"{AXES} .selectionlayer path")).to_have_count(0)
    expect_no_parameter(again, "outline")
    draw(again, LEFT)
    expect(again.get_by_text(f"{number} of 300 samples chosen")).to_be_visible()
    settled(again)
    again.locator(f"{AXES} .nsewdrag").dblclick(position={"x": 400, "y": 20})  # plotly's own way
    expect(again.get_by_text("0 of 300 samples chosen")).to_be_visible()


def test_a_box_chooses_and_is_moved(server: Server, page: Page, example: Project) -> None:
    page.goto(server.address("groups", project=example.folder.name))
    shown(page)
    page.locator(f"{AXES} .nsewdrag").hover()
    page.locator(f"{AXES} [data-title='Box Select']").click()
    draw(page, ((0.02, 0.02), (0.4, 0.98)))
    expect(page.get_by_text("The trained head classifies")).to_be_visible()
    first = chosen(page)
    expect(page).to_have_url(re.compile(r"[?&]outline=box_"))
    draw(page, ((0.2, 0.5), (0.6, 0.5)))
    expect(page.get_by_text(f"{first} of 300 samples chosen")).to_have_count(0)
    assert 0 < int(chosen(page)) < 300


def test_umap_is_made_drawn_on_and_kept(server: Server, page: Page) -> None:
    folder = server.new_folder("birds")
    write_project(folder)
    page.goto(server.address("groups", project=folder.name))
    shown(page)
    page.get_by_role("radio", name="UMAP").click()
    expect(page.get_by_text(re.compile("Computing UMAP"))).to_be_visible()
    shown(page, UMAP)
    expect(page.get_by_text(re.compile("Computing UMAP"))).to_have_count(0)
    draw(page, WHOLE, UMAP)
    expect(page.get_by_text("240 of 240 samples chosen")).to_be_visible()
    assert len(list((folder / "maps").iterdir())) == 1
    assert len(made(server, folder)) == 1
    page.reload()
    shown(page, UMAP)
    expect(page.get_by_text("240 of 240 samples chosen")).to_be_visible()
    assert len(made(server, folder)) == 1
