"""An address, opened by somebody else or after a reload, shows what it showed: every choice, on every screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from neurontune_core import TuneConfig, neurontune
from neurontune_core.workspace.project import Project
from tests.support.browser import Server, choose, expect_no_parameter, expect_parameters, go_to, settled, threshold

pytestmark = pytest.mark.browser

# What stands in the sidebar on every screen; each is another than the default.
SIDEBAR = [("split", "val"), ("class", "unhappy"), ("threshold", "0.1"), ("mask", "0.5")]
SCREENS = {
    "": [],
    "neurons": [("neuron", "775"), ("filter", "masked"), ("colors", "viridis")],
    "retrain": [("select", "last epoch"), ("epochs", "7"), ("rate", "0.01"), ("batch", "64"), ("seed", "3")],
    "check": [("before", "Mask alone"), ("check_group", "unhappy, tag"), ("outcome", "both correct"),
              ("confusion_group", "happy, tag"), ("selected", "0-2")],
    "groups": [("way", "where the chosen neuron fires"), ("neuron", "0")],
    "export": [],
    "compare": [("methods", "AFR"), ("methods", "SELF"), ("seeds", "5")],
    "ablations": [("study", "How stable the biased neurons are")],
    "theory": [("claim", "Removal"), ("p", "0.8"), ("last_layer", "retrained")],
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(example: Project) -> list[str]:
    """Return the ids of two runs of the example, the newest first."""
    sets = [example.load_set(role) for role in ("identification", "tuning")]
    for seed in (0, 1):
        heads = [
            neurontune(example.load_head(), *sets, TuneConfig(epochs=1, batches=5, seed=seed, masking=masking))
            for masking in (True, False)
        ]
        example.save_run(heads[0], heads[1], "train", example.journal.verdicts())
    return [run.id for run in example.runs()]


def sidebar_shows(page: Page, project: str, run: str) -> None:
    sidebar = page.get_by_test_id("stSidebar")
    for name, value in {
        "Project": project,
        "Split": "val",
        "Class": "unhappy",
        "Retraining": run,
        "Chosen head": "Mask alone",
    }.items():
        expect(sidebar.get_by_role("combobox", name=name, exact=True)).to_have_value(value)
    expect(sidebar.get_by_text("fitted on these samples")).to_be_visible()
    expect(threshold(page)).to_have_value(re.compile(r"^0\.(0999|100)"))
    expect(sidebar.get_by_role("slider", name="Mask value")).to_have_value("0.5")


@pytest.mark.parametrize("screen", SCREENS)
def test_an_address_opened_afresh_brings_every_choice_back(
    server: Server, page: Page, example: Project, runs: list[str], screen: str
) -> None:
    name = example.folder.name
    asked = [("project", name), *SIDEBAR, *SCREENS[screen], ("run", runs[1]), ("head", "Mask alone")]
    page.goto(f"{server.url}/{screen}?{urlencode(asked)}")
    sidebar_shows(page, name, runs[1])
    settled(page)
    expect_parameters(page, asked)
    page.reload()  # another session: nothing but the address is left of this one
    sidebar_shows(page, name, runs[1])
    settled(page)
    expect_parameters(page, asked)
    if screen == "neurons":
        expect(page.get_by_role("heading", name="Neuron 775")).to_be_visible()
        expect(page.locator(".st-key-scores strong").get_by_text("unhappy")).to_be_visible()
        expect(page.get_by_role("radio", name="viridis")).to_be_checked()
        expect(page.get_by_role("radio", name="masked")).to_be_checked()
    elif screen == "retrain":
        expect(page.get_by_label("Epochs")).to_have_value("7")
        expect(page.get_by_text('On "val".')).to_be_visible()
    elif screen == "check":
        expect(page.get_by_role("combobox", name="Before")).to_have_value("Mask alone")
        expect(page.get_by_role("combobox", name="In group")).to_have_value("happy, tag")
        expect(page.get_by_role("status")).to_have_text(re.compile(r"^3 of \d+ selected"))
    elif screen == "groups":
        expect(page.get_by_role("combobox", name="Slice")).to_have_value(re.compile("unhappy, neuron 0 high"))


def test_what_is_chosen_by_hand_is_what_the_address_brings_to_another_person(
    server: Server, page: Page, new_page: Callable[[], Page], example: Project, runs: list[str]
) -> None:
    project = ("project", example.folder.name)
    page.goto(server.address(project=example.folder.name))
    expect(page.get_by_text('On the split "test"')).to_be_visible()
    settled(page)
    expect_parameters(
        page, [project, ("run", runs[0]), ("head", "Retrained")]
    )  # another run may be the newest tomorrow
    for box, option in (("Split", "train"), ("Class", "happy")):
        choose(page, box, option)
    expect(page.get_by_text('On the split "train"')).to_be_visible()
    go_to(page, "Check")
    expect(page.get_by_text("Confusion matrix")).to_be_visible()
    settled(page)
    expect_parameters(page, [project, ("class", "happy"), ("run", runs[0]), ("head", "Retrained"), ("split", "train")])
    other = new_page()
    other.goto(page.url)
    expect(other.get_by_text("Confusion matrix")).to_be_visible()
    expect(other.get_by_text('On "train".')).to_be_visible()
    expect(other.get_by_text("Class happy only.")).to_be_visible()


def test_samples_picked_on_one_split_are_not_picked_on_another(server: Server, page: Page) -> None:
    page.goto(server.address("check", outcome="both correct", selected="0-2", sample=180, split="val", after="Trained"))
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^3 of \d+ selected"))
    settled(page)
    choose(page, "Split", "test")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^0 of \d+ selected"))
    settled(page)
    expect_no_parameter(page, "selected", "sample")


def test_an_unknown_split_in_the_address_shows_the_usual_one_and_says_so(server: Server, page: Page) -> None:
    page.goto(server.address(split="nowhere"))
    expect(page.get_by_text('There is no split "nowhere"; you see the default.')).to_be_visible()
    expect(page.get_by_text('On the split "test"')).to_be_visible()
    settled(page)
    expect_no_parameter(page, "split")
