"""A new user's own pictures and checkpoint, from Setup to Export."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect
from safetensors.torch import load_file

from neurontune_core.jobs.store import JobStore
from neurontune_core.models import load_model
from tests.support.browser import Server, download, go_to, settled, wait_until
from tests.support.own_model import own_model

pytestmark = pytest.mark.browser


@pytest.mark.timeout(900)
def test_own_pictures_and_checkpoint_go_from_setup_to_export(server: Server, page: Page, tmp_path: Path) -> None:
    data, weights = own_model(tmp_path)
    page.goto(server.address("setup"))
    expect(page.get_by_text("Your own model and data")).to_be_visible()
    settled(page)
    main = page.get_by_test_id("stMain")
    main.get_by_role("textbox", name="Folder or table of the data").fill(str(data))
    main.get_by_role("textbox", name="Weights file, or model folder").fill(str(weights))
    page.keyboard.press("Tab")
    settled(page)
    main.get_by_role("button", name="Check data").click()
    expect(main.get_by_text("It can be extracted")).to_be_visible(timeout=240_000)
    settled(page)
    page.reload()
    expect(main.get_by_text("It can be extracted")).to_be_visible()
    expect(main.get_by_text("2 × 64")).to_be_visible()
    settled(page)
    main.get_by_role("button", name="Extract", exact=False).filter(has_text=re.compile("Extract$")).click()
    expect(page.get_by_text("Extract my-pictures · done")).to_be_visible(timeout=240_000)
    settled(page)
    (job,) = (job for job in JobStore(server.home / "jobs").list() if job.title == "Extract my-pictures")
    page.locator(f".st-key-open-{job.id} button").click()
    expect(page.get_by_role("heading", name="Accuracy by class")).to_be_visible()
    settled(page)

    model = load_model({"family": "cifar_resnet", "architecture": "resnet20", "weights": str(weights)}, tmp_path)
    files = sorted((data / "test").glob("*/*.png"))
    pixels = model.batch([model.prepare(Image.open(file).convert("RGB")) for file in files])
    right = sum(
        ("cat", "dog")[predicted] == file.parent.name
        for predicted, file in zip(model.logits(pixels).argmax(1).tolist(), files, strict=True)
    )
    expect(page.locator(".nt-strip .chosen .overall")).to_have_text(f"{100 * right / len(files):.1f} %")

    project = server.home / "projects" / "my-pictures"
    page.get_by_role("button", name="Retrain Shortcut").click()
    wait_until(page, lambda: list((project / "runs").glob("*/run.json")), "a saved run", seconds=120)
    expect(page.get_by_test_id("stSidebar").get_by_role("button", name="Take it")).to_be_visible()
    settled(page)
    go_to(page, "Export")
    head = torch.nn.Linear(64, 2)
    head.load_state_dict(load_file(download(page, "head.safetensors", tmp_path)))
