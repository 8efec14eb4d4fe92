"""An address, opened by somebody else or after a reload, shows what it showed: every choice, on every screen."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from neurontune_core import TuneConfig, neurontune
from neurontune_core.workspace.workspace import Workspace
from tests.support.browser import Server, settled, threshold

pytestmark = pytest.mark.browser

# What stands in the sidebar on every screen; each is another than the default.
SIDEBAR = [("split", "val"), ("class", "vehicle"), ("threshold", "0.1"), ("mask", "0.5")]
SCREENS = {
    "": [],
    "neurons": [("neuron", "380"), ("filter", "masked"), ("colors", "viridis")],
    "retrain": [("select", "last epoch"), ("epochs", "7"), ("rate", "0.01"), ("batch", "64"), ("seed", "3")],
    "check": [("before", "masked now"), ("check_group", "vehicle on grass"), ("outcome", "both correct"),
              ("confusion_group", "animal on gravel"), ("selected", "0-2")],
    "groups": [("way", "where the chosen neuron fires"), ("neuron", "0")],
    "export": [],
    "compare": [("methods", "AFR"), ("methods", "SELF"), ("seeds", "5")],
    "ablations": [("study", "How stable the biased neurons are")],
    "theory": [("claim", "Removal"), ("p", "0.8"), ("last_layer", "retrained")],
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(server: Server) -> list[str]:
    """Two of the built-in example, the newest first."""
    project = Workspace(server.home).open("example")
    sets = [project.load_set(role) for role in ("identification", "tuning")]
    for seed in (0, 1):
        heads = [
            neurontune(project.load_head(), *sets, TuneConfig(epochs=1, batches=5, seed=seed, masking=masking))
            for masking in (True, False)
        ]
        project.save_run(heads[0], heads[1], "train", project.journal.verdicts())
    return [run.id for run in project.runs()]


def said(page: Page) -> list[tuple[str, str]]:
    """What the address says now, in a fixed order."""
    return sorted(parse_qsl(urlsplit(page.url).query))


def sidebar_shows(page: Page, run: str) -> None:
    sidebar = page.get_by_test_id("stSidebar")
    for name, value in {"Project": "example", "Split": "val", "Class": "vehicle", "Retrained head": run}.items():
        expect(sidebar.get_by_role("combobox", name=name, exact=True)).to_have_value(value)
    expect(sidebar.get_by_text("fitted on these samples")).to_be_visible()
    expect(threshold(page)).to_have_value(re.compile(r"^0\.10"))
    expect(sidebar.get_by_role("slider", name="Mask value")).to_have_value("0.5")


@pytest.mark.parametrize("screen", SCREENS)
def test_an_address_opened_afresh_brings_every_choice_back(
    server: Server, page: Page, runs: list[str], screen: str
) -> None:
    asked = [*SIDEBAR, *SCREENS[screen], ("run", runs[1])]
    page.goto(f"{server.url}/{screen}?{urlencode(asked)}")
    sidebar_shows(page, runs[1])
    settled(page)
    assert said(page) == sorted(asked)
    page.reload()  # another session: nothing but the address is left of this one
    sidebar_shows(page, runs[1])
    settled(page)
    assert said(page) == sorted(asked)
    if screen == "neurons":
        expect(page.get_by_role("heading", name="Neuron 380")).to_be_visible()
        expect(page.locator(".st-key-scores strong").get_by_text("vehicle")).to_be_visible()
        expect(page.get_by_role("radio", name="viridis")).to_be_checked()
        expect(page.get_by_role("radio", name="masked")).to_be_checked()
    elif screen == "retrain":
        expect(page.get_by_label("Epochs")).to_have_value("7")
        expect(page.get_by_text('On "val".')).to_be_visible()
    elif screen == "check":
        expect(page.get_by_role("combobox", name="Before")).to_have_value("masked now")
        expect(page.get_by_role("combobox", name="In group")).to_have_value("animal on gravel")
        expect(page.get_by_role("status")).to_have_text(re.compile(r"^3 of \d+ selected"))
    elif screen == "groups":
        expect(page.get_by_role("combobox", name="Slice")).to_have_value(re.compile("vehicle, neuron 0 high"))


def test_what_is_chosen_by_hand_is_what_the_address_brings_to_another_person(
    server: Server, page: Page, chromium: Browser, runs: list[str]
) -> None:
    page.goto(f"{server.url}/")
    expect(page.get_by_text('On the split "test"')).to_be_visible()
    settled(page)
    assert said(page) == [("run", runs[0])]  # another run may be the newest tomorrow
    for box, option in (("Split", "train"), ("Class", "animal")):
        page.get_by_test_id("stSidebar").get_by_role("combobox", name=box, exact=True).click()
        page.get_by_role("option", name=option, exact=True).click()
        settled(page)
    expect(page.get_by_text('On the split "train"')).to_be_visible()
    page.get_by_role("link", name="Check").click()
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    settled(page)
    assert said(page) == [("class", "animal"), ("run", runs[0]), ("split", "train")]
    context = chromium.new_context()
    other = context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("Confusion matrix")).to_be_visible(timeout=60_000)
    expect(other.get_by_text('On "train".')).to_be_visible()
    expect(other.get_by_text("Class animal only.")).to_be_visible()
    context.close()


def test_samples_picked_on_one_split_are_not_picked_on_another(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/check?outcome=both+correct&selected=0-2&sample=180&split=val&after=ERM")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^3 of \d+ selected"))
    settled(page)
    page.get_by_test_id("stSidebar").get_by_role("combobox", name="Split", exact=True).click()
    page.get_by_role("option", name="test", exact=True).click()
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^0 of \d+ selected"))
    settled(page)
    assert {name for name, _ in said(page)}.isdisjoint({"selected", "sample"})


def test_an_unknown_split_in_the_address_shows_the_usual_one_and_says_so(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/?split=nowhere")
    expect(page.get_by_text('There is no split "nowhere"; you see the default.')).to_be_visible()
    expect(page.get_by_text('On the split "test"')).to_be_visible()
    settled(page)
    assert "split" not in dict(said(page))
