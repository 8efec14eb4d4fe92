"""The wall of samples with a keyboard and a mouse, on ten thousand pictures of one outcome."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from email import message_from_bytes
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from neurontune_core import EmbeddingSet
from tests.support.browser import Server, expect_no_parameter, settled, text
from tests.support.projects import planted_head, write_pictures, write_texts

pytestmark = pytest.mark.browser
SAMPLES = 20_000


class Many(NamedTuple):
    """A project of thousands of samples, and those that both heads get right."""

    name: str
    right: list[int]


@pytest.fixture(scope="module")
def many(server: Server) -> Many:
    folder = server.new_folder("many")
    return Many(folder.name, right_in_both(write_pictures(folder, SAMPLES)))


def opened(server: Server, page: Page, project: str) -> Locator:
    """Open the wall of the samples that both heads get right."""
    page.goto(server.address("check", project=project, after="Trained", outcome="both correct"))
    wall = page.get_by_role("listbox", name="both correct")
    expect(wall).to_be_visible()
    settled(page)
    return wall


def right_in_both(each: EmbeddingSet) -> list[int]:
    head = planted_head()
    predictions = (each.embeddings @ head.weight.T + head.bias).argmax(axis=1)
    return (predictions == each.labels).nonzero()[0].tolist()


def expect_selected(page: Page, number: int, of: int) -> None:
    expect(page.get_by_role("status")).to_have_text(f"{number:,} of {of:,} selected")


def test_only_what_is_in_view_stands_in_the_page_and_all_of_it_can_be_scrolled_to(
    server: Server, page: Page, many: Many
) -> None:
    wall, rows = opened(server, page, many.name), many.right
    assert len(rows) > 9_900
    expect_selected(page, 0, len(rows))
    slowest = wall.evaluate(
        """async view => {
            let slowest = 0, before = performance.now()
            for (let step = 0; step < 60; step++) {
              view.scrollTop = view.scrollHeight * step / 60
              await new Promise(requestAnimationFrame)
              slowest = Math.max(slowest, view.querySelectorAll('[role=option]').length)
            }
            view.scrollTop = view.scrollHeight
            return slowest
        }"""
    )
    assert slowest < 100
    last = wall.get_by_role("option").last
    expect(last).to_have_attribute("aria-posinset", str(len(rows)))
    expect(last).to_have_attribute("aria-setsize", str(len(rows)))
    picture = last.locator("img")
    expect(picture).to_have_js_property("naturalWidth", 192)
    expect(picture).to_have_attribute("data-row", str(rows[-1]))


def test_the_keyboard_moves_selects_and_opens(server: Server, page: Page, many: Many) -> None:
    wall, rows = opened(server, page, many.name), many.right
    wall.focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"):
        wall.press(key)
    expect(page.get_by_text(f"3 of {len(rows):,} selected")).to_be_visible()
    expect(wall.get_by_role("option", selected=True)).to_have_count(3)
    wall.press("Enter")
    expect(page.get_by_text(f"Sample {rows[4]}")).to_be_visible()
    wall.press("Home")
    wall.press("Control+ ")
    expect(page.get_by_text(f"4 of {len(rows):,} selected")).to_be_visible()
    settled(page)
    expect(page.get_by_role("button", name="Keep 4 as a group")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]selected=0(,|%2C)2-4(&|$)"))
    wall.press("End")
    expect(wall.locator(f"#cell-{len(rows) - 1}")).to_have_class("tile correct active")
    wall.press("Control+a")
    expect(page.get_by_text(f"{len(rows):,} of {len(rows):,} selected")).to_be_visible()
    expect(page.get_by_role("button", name=f"Keep {len(rows):,} as a group")).to_be_visible()
    wall.press("Escape")
    expect(page.get_by_text(f"0 of {len(rows):,} selected")).to_be_visible()
    settled(page)
    expect_no_parameter(page, "selected")


def test_a_selection_survives_a_reload_and_becomes_a_group(server: Server, page: Page, many: Many) -> None:
    wall, rows = opened(server, page, many.name), many.right
    cells = wall.get_by_role("option")
    cells.nth(1).click()
    expect(page.get_by_text(f"Sample {rows[1]}")).to_be_visible()
    settled(page)
    expect_selected(page, 0, len(rows))  # to look closer selects nothing
    cells.nth(3).click(modifiers=["Shift"])
    cells.nth(5).click(modifiers=["ControlOrMeta"])
    cells.nth(2).hover()
    cells.nth(2).get_by_title("Select", exact=True).click()
    expect(page.get_by_role("button", name="Keep 3 as a group")).to_be_visible()
    settled(page)
    page.reload()
    settled(page)
    expect(page.get_by_text(f"3 of {len(rows):,} selected")).to_be_visible()
    expect(page.get_by_text(f"Sample {rows[1]}")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("three <b>of</b> them")
    page.get_by_role("button", name="Keep 3 as a group").click()
    expect(page.get_by_text("Kept 3 samples as three <b>of</b> them.")).to_be_visible()
    group = json.loads((server.home / "projects" / many.name / "own_groups.json").read_text())["groups"][0]
    assert group["sample_ids"] == [str(rows[place]) for place in (1, 3, 5)]
    assert group["split"] == "test"


def test_texts_are_cards_and_what_stands_in_them_is_text(server: Server, page: Page) -> None:
    texts = [f"<img src=x onerror=alert({number})> & **text {number}**" for number in range(40)]
    folder = server.new_folder("texts")
    rows = right_in_both(write_texts(folder, texts))
    opened(server, page, folder.name)
    cell = page.get_by_role("option").first
    expect(cell).to_contain_text(texts[rows[0] % 40])
    cell.click()
    expect(page.get_by_test_id("stMain").get_by_text(texts[rows[0] % 40])).to_have_count(2)  # card, and closely
    expect(page.get_by_text(f"Sample {rows[0]}")).to_be_visible()


def test_a_long_text_is_cut_on_its_card_and_whole_in_the_close_up(server: Server, page: Page) -> None:
    long = " ".join(f"word{number}" for number in range(10_000))
    folder = server.new_folder("long")
    write_texts(folder, [f"{long} end {place}" for place in range(8)])
    page.goto(server.address("neurons", project=folder.name))
    wall = page.get_by_role("listbox", name="Most activating, misclassified", exact=True)
    cell = wall.get_by_role("option").first
    expect(cell).to_contain_text("word3 ")
    settled(page)
    assert len(text(cell)) < 800
    wall.focus()
    wall.press("Enter")
    expect(page.get_by_text("logit contribution of this neuron")).to_be_visible()
    expect(page.get_by_text("word9999 end")).to_be_visible()


def test_pictures_come_several_in_an_answer_without_those_that_are_not_there(server: Server, many: Many) -> None:
    def answer(query: str) -> bytes:
        with urllib.request.urlopen(f"{server.url}/nt/images/{many.name}/test?rows={query}") as response:
            return f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode() + response.read()

    parts = message_from_bytes(answer(f"3,{SAMPLES + 5},x,25")).get_payload()
    images = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
    assert list(images) == ["3", "25"]
    for row, content in images.items():
        assert urllib.request.urlopen(f"{server.url}/nt/image/{many.name}/test/{row}").read() == content
    with pytest.raises(urllib.error.HTTPError, match="404"):
        answer(str(SAMPLES + 5))
