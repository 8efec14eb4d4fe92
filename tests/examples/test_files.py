"""What lies in assets: the examples, small, and nothing of others but what a file of licenses names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurontune_core.workspace.workspace import EXAMPLES
from tests.support.paths import ROOT

ASSETS = ROOT / "assets"
OWN = {"app.html", "logo.svg", "wordmark.svg", "make_faces.py", "make_reviews.py", "recipe"}
PAPERS = {"LICENSES.md", "PROVENANCE.md", "project.json"}
VECTORS = {"embeddings.npy", "meta.json", "samples.parquet"}
LISTED = {"metadata.csv"}  # of the images: their names, groups and seeds


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"__pycache__"}


def licensed(folder: Path) -> set[str]:
    """Return what the rows of a folder's file of licenses name."""
    text = (folder / "LICENSES.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| ([^|]*) \| [^|]* \| [^|]*\w[^|]* \|$", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(("name", "megabytes"), [("faces", 18), ("faces-biased", 1), ("reviews", 3.1)])
def test_the_examples_stay_small(name: str, megabytes: float) -> None:
    files = (path for path in EXAMPLES[name].rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) <= megabytes * 1e6


def test_all_examples_together_stay_within_twenty_mebibytes() -> None:
    files = (path for folder in EXAMPLES.values() for path in folder.rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) <= 20 * 2**20


def test_assets_hold_the_examples_their_recipes_and_the_apps_own_drawings() -> None:
    assert names(ASSETS) == OWN | EXAMPLES.keys()
    assert all(name.endswith(".py") for name in names(ASSETS / "recipe"))
    assert all(folder.parent == ASSETS for folder in EXAMPLES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_file_of_an_example_is_named_with_its_license(name: str) -> None:
    folder = EXAMPLES[name]
    text = (folder / "LICENSES.md").read_text(encoding="utf-8")
    near = re.search(r"see `\.\./([\w-]+)/LICENSES\.md`", text)
    named = licensed(EXAMPLES[near[1]] if near else folder)
    assert names(folder) - PAPERS - LISTED <= named
    assert {path.suffix for path in folder.rglob("*") if path.parent.is_relative_to(folder / "images")} <= {"", ".jpg"}
    for split in (folder / "embeddings").iterdir():
        assert names(split) == VECTORS


def test_what_has_no_row_in_a_file_of_licenses_is_noticed() -> None:
    assert licensed(EXAMPLES["reviews"]) == {"reviews.csv", "embeddings", "head.safetensors"}
    assert "metadata.csv" not in licensed(EXAMPLES["faces"])
