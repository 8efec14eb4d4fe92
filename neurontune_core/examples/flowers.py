""" "Rose or tulip?" from a person's copy of the archive: composed, trained, extracted; a project when it is done."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.examples import EPOCHS
from neurontune_core.examples.flowers_archive import Archive
from neurontune_core.examples.flowers_images import (
    FLOWERS,
    SIZE,
    TAGS,
    compose_all,
    credits_of,
    photographs_of,
    plan,
    table_of,
)
from neurontune_core.files import read_json, write_json, write_whole
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.tasks import extract_project

TITLE = "Rose or tulip?"
MODEL = {
    "family": "efficientnet_lite",
    "architecture": "efficientnet_lite0",
    "weights": "imagenet",
    "preprocessing": {"image_size": SIZE, "resize": SIZE},
}
FROZEN = ("_conv_stem", "_bn0", *(f"_blocks.{number}" for number in range(8)))
_RECIPE = "recipe.json"  # in a folder that was begun here: from what
_DATASET = {
    "format": "image_table",
    "root": ".",
    "table": "metadata.csv",
    "images": "",
    "columns": {"path": "filename", "label": "y", "split": "split", "attribute": "attribute", "pair": "pair"},
    "class_names": list(FLOWERS),
    "attribute_names": list(TAGS),
}


def make_flowers(
    photographs: Path,
    folder: Path,
    report: Callable[..., object],
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
) -> Project:
    """Compose the images, train a classifier on them, and extract it; a project that is done already is opened.

    What was stopped goes on when the same call is made again, training from its last whole epoch; after a stop, other
    photographs, epochs or seeds begin anew. A project is complete or none: ``project.json`` is written last.

    Args:
        photographs: the unpacked archive, or the folder that it lies in.
        folder: of the project.
        report: called as ``report(done=..., total=..., rate=..., message=...)``; what it raises stops the work.
        epochs, seed: of the training.

    Raises:
        InputError: when photographs or credits are missing or cannot be read, or ``folder`` holds anything else.
    """
    recipe: dict[str, Any] = {"example": "flowers", "epochs": epochs, "seed": seed}
    known = _recipe_in(folder)
    if (folder / "project.json").is_file():
        if known is None or known | recipe != known:
            raise InputError(
                f'There is a project "{folder.name}" already, made another way; choose another name for this one.'
            )
        return _described(folder)
    archive, compositions = Archive.at(photographs), plan()
    photos = photographs_of(compositions)
    archive.look_for(photos)
    credits = archive.credits(photos)
    images = compose_all(archive, compositions, report)
    recipe["images"] = hashlib.sha256(b"".join(images.values())).hexdigest()[:16]
    _claim(folder, known, recipe)
    for name, content in images.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            write_whole(path, lambda temporary, content=content: temporary.write_bytes(content))  # type: ignore[misc]
    for name, text in (("metadata.csv", table_of(compositions)), ("CREDITS.md", credits_of(credits))):
        write_whole(folder / name, lambda temporary, text=text: temporary.write_text(text, "utf-8"))  # type: ignore[misc]
    _train(folder, report, epochs, seed)
    _extract(folder, report)
    return _described(folder)


def _recipe_in(folder: Path) -> dict[str, Any] | None:
    """Return what the folder was begun from; None when that was not here."""
    content = read_json(folder / _RECIPE) if (folder / _RECIPE).is_file() else None
    return content if isinstance(content, dict) and content.get("example") == "flowers" else None


def _claim(folder: Path, known: dict[str, Any] | None, recipe: dict[str, Any]) -> None:
    """Make the folder ready for a recipe: what was begun from another one goes.

    Raises:
        InputError: when it holds what was not begun here.
    """
    if known is None and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds something else, perhaps an unfinished extraction; choose another name.")
    if known != recipe:
        for made in ("training", "embeddings", "images"):  # the training first: it belongs to these very files
            shutil.rmtree(folder / made, ignore_errors=True)
    write_json(folder / _RECIPE, recipe)


def _train(folder: Path, report: Callable[..., object], epochs: int, seed: int) -> None:
    from neurontune_core.training.job import train_model

    settings = {
        "epochs": epochs,
        "seed": seed,
        "learning_rate": 1e-2,
        "augment": "flip",
        "keep": "last",  # validation is for NeuronTune alone
    }
    config = {"model": MODEL, "dataset": _DATASET, "base": str(folder), "out": str(folder / "training")}
    train_model(config | {"settings": settings, "preset": "images", "frozen": list(FROZEN)}, report)


def _extract(folder: Path, report: Callable[..., object]) -> None:
    def progress(*, done: int, total: int, rate: float, split: str) -> None:
        report(done=done, total=total, rate=rate, message=f"extracting {split}")

    config = {"model": {"weights": "training"}, "dataset": _DATASET, "base": str(folder), "out": str(folder)}
    extract_project(config | {"name": folder.name, "title": TITLE}, progress)


def _described(folder: Path) -> Project:
    """Return the project; what is wrong with its classifier is measured when it does not say so yet."""
    project = Project.at(folder)
    if not project.problem:
        test = evaluate(project.load_head(), project.load_set("evaluation"))
        wrong = {group.name: f"{group.n - group.correct} of {group.n}" for group in test.groups}
        problem = f"It calls {wrong['rose, tag']} roses that carry an archive's tag tulips"
        problem += f", and {wrong['tulip, no tag']} tulips without one roses."
        write_json(folder / "project.json", project.content | {"problem": problem})
        project = Project.at(folder)
    return project
