"""What a person decides goes home: verdicts, advice taken and taken back, each head with the numbers of the screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors.torch import load_file

from tests.support.browser import Server, choose, download, go_to, settled, strip_value, text, value
from tests.support.examples import link_example

pytestmark = pytest.mark.browser

HEADS = ("Mask alone", "No masking", "Retrained", "Advised")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    [
        "faces",
        "reviews",
        pytest.param("faces-biased", marks=pytest.mark.slow(reason="the same images, network and test as the faces")),
    ],
)
def test_every_head_goes_home_with_the_verdicts_and_the_numbers_of_the_screen(
    server: Server, page: Page, tmp_path: Path, name: str
) -> None:
    folder = server.new_folder(f"heads-{name}")
    link_example(folder, name)
    project = server.workspace.open(folder.name)
    page.goto(server.address("neurons", project=folder.name))
    sidebar = page.get_by_test_id("stSidebar")
    head = sidebar.get_by_role("combobox", name="Chosen head")
    box = page.get_by_role("spinbutton", name="Neuron")
    expect(page.get_by_text("rank 1 of")).to_be_visible()
    settled(page)
    expect(head).to_have_value("Trained")
    core = int(value(box))
    page.keyboard.press("o")
    expect(head).to_have_value("Mask alone")  # the edit says what the person is after
    settled(page)
    spurious = core + 1 if core + 1 < project.load_head().num_neurons else core - 1
    box.fill(str(spurious))
    box.press("Enter")
    expect(page.get_by_role("heading", name=f"Neuron {spurious}", exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("heading", name="Neurons").click()
    page.keyboard.press("s")
    verdicts = {str(core): "core", str(spurious): "spurious"}
    expect(sidebar.get_by_role("button", name="Undo")).to_be_enabled()
    settled(page)
    assert {str(neuron): verdict for neuron, verdict in project.journal.verdicts().items()} == verdicts

    page.keyboard.press("Control+Enter")
    take = sidebar.get_by_role("button", name="Take it")
    expect(take).to_be_visible(timeout=180_000)
    settled(page)
    expect(head).to_have_value("Retrained")  # what was asked for
    page.keyboard.press("a")
    expect(head).to_have_value("Advised")
    expect(take).to_have_count(0)
    settled(page)
    page.keyboard.press("z")
    expect(head).to_have_value("Retrained")
    settled(page)
    shown = {each: text(strip_value(page, each), "%") for each in HEADS}

    go_to(page, "Export")
    test = project.load_set("evaluation")
    vectors, labels, groups = torch.from_numpy(test.embeddings.astype("float32")), test.labels, test.groups
    assert groups is not None
    for each in HEADS:
        if value(head) != each:
            choose(page, "Chosen head", each)
        expect(page.get_by_role("heading", name=each, exact=True)).to_be_visible()
        settled(page)
        target = tmp_path / each
        target.mkdir()
        mask = json.loads(download(page, "mask.json", target).read_text())
        assert mask["verdicts"] == verdicts
        assert spurious in mask["biased"]
        assert core not in mask["biased"]
        layer = torch.nn.Linear(vectors.shape[1], 2)
        layer.load_state_dict(load_file(download(page, "head.safetensors", target)))
        with torch.inference_mode():
            right = layer(vectors).argmax(1).numpy() == labels
        worst = min(right[groups == group].mean() for group in set(groups.tolist()))
        assert f"{100 * worst:.1f} %" == shown[each]
