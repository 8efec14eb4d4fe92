"""The exported bundle: mask, head, whole model, card and a loading snippet, each read back and compared."""

from __future__ import annotations

import os
import runpy
import shutil
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.export.card import TunedRun, model_card
from neurontune_core.export.verification import TOLERANCE, largest_difference, require
from neurontune_core.export.whole_model import STATE_DICT, WholeModel, write_whole_model
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.models.saved import PRETRAINED_FILES

FILES = ("mask.json", "head.safetensors", STATE_DICT, "load_head.py", "MODEL_CARD.md")


@dataclass(frozen=True)
class ExportedFile:
    """A file that was read back and is right.

    Attributes:
        name, path: of the file.
        bytes: its size.
        check: what was compared, as a sentence.
    """

    name: str
    path: Path
    bytes: int
    check: str


def export_bundle(
    folder: str | Path,
    run: TunedRun,
    *,
    model: Mapping[str, Any] | None = None,
    dataset: Mapping[str, Any] | None = None,
    base: str | Path = ".",
    allow_python: bool = False,
) -> list[ExportedFile]:
    """Write the bundle of a tuned head to ``folder``, replacing an earlier bundle there.

    Everything is written and checked beside the folder first, so that the folder only ever holds checked files.

    Args:
        run: the head and what its card reports.
        model: the spec of the model, for `load_model`; None leaves the whole model out.
        dataset: the spec of the dataset, for `open_dataset`; with it, the reloaded model is run on real samples.
        base: the folder that the specs' relative paths start from.
        allow_python: as in `load_model`.

    Raises:
        InputError: when heads, mask and evaluation set do not fit each other, or the specs are wrong.
        VerificationError: when a file does not come back as it was written.
    """
    folder = Path(folder)
    run.head.check_fits(run.evaluation.num_neurons, run.evaluation.num_classes, run.evaluation.class_names)
    _check_folder(folder)
    if run.mask.num_neurons != run.head.num_neurons:
        raise InputError(
            f"The mask is for {run.mask.num_neurons} neurons, but the head has {run.head.num_neurons}; "
            "give the mask that was written with the head."
        )
    working = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    try:
        working.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{folder.parent} cannot be written to ({error.strerror}); choose another folder.") from None
    try:
        checks = {
            "mask.json": _write_mask(working, run.mask),
            "head.safetensors": _write_head(working, run),
        }
        whole = None
        if model is not None:
            whole = write_whole_model(working, run, model, dataset, Path(base), allow_python)
            checks |= whole.checks
        checks["load_head.py"] = _write_snippet(working, run, whole)
        preprocessing = None if whole is None else whole.preprocessing
        checks["MODEL_CARD.md"] = _write_card(working, model_card(run, checks, preprocessing))
        return _move_into_place(working, folder, checks)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _check_folder(folder: Path) -> None:
    """Raise InputError where the bundle would be mixed with files of somebody else."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the export.")
    there = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    foreign = sorted(there - set(_files_of_an_export(there)))
    if foreign:
        raise InputError(
            f'{folder} holds other files, such as "{foreign[0]}"; choose an empty folder, or that of an earlier export.'
        )


def _files_of_an_export(there: Collection[str]) -> list[str]:
    """Return the names that belong to an export where a folder holds these.

    Those of a model's own library do so only beside a mask and a card: without them the folder is a model of somebody,
    perhaps the one that is exported.
    """
    is_export = {"mask.json", "MODEL_CARD.md"} <= set(there)
    return [name for name in there if name in FILES or (is_export and name in PRETRAINED_FILES)]


def _move_into_place(working: Path, folder: Path, checks: Mapping[str, str]) -> list[ExportedFile]:
    folder.mkdir(parents=True, exist_ok=True)
    earlier = _files_of_an_export([entry.name for entry in folder.iterdir()])
    for name in checks:
        os.replace(working / name, folder / name)
    for name in set(earlier) - set(checks):
        (folder / name).unlink()
    return [ExportedFile(name, folder / name, (folder / name).stat().st_size, check) for name, check in checks.items()]


def _write_mask(folder: Path, mask: Mask) -> str:
    mask.save(folder / "mask.json")
    again = Mask.load(folder / "mask.json")
    same = np.array_equal(again.biased, mask.biased) and dict(again.verdicts) == dict(mask.verdicts)
    values = (again.threshold, again.mask_value) == (mask.threshold, mask.mask_value)
    require(same and values, "mask.json", "it is not the mask of the run")
    return f"reloaded; the same {mask.num_biased} of {mask.num_neurons} neurons"


def _write_head(folder: Path, run: TunedRun) -> str:
    path = folder / "head.safetensors"
    replace(run.head, class_names=run.evaluation.class_names).save(path)
    again = LinearHead.load(path).logits(run.evaluation.embeddings)
    difference = largest_difference(again, run.head.logits(run.evaluation.embeddings))
    require(difference <= TOLERANCE, path.name, f"its logits differ by {difference:.2g}")
    return f"reloaded; logits on {len(again)} samples differ by at most {difference:.2g}"


def _write_snippet(folder: Path, run: TunedRun, whole: WholeModel | None) -> str:
    path = folder / "load_head.py"
    head = run.head
    whole_model = ""
    if whole is not None:
        lines = ("The whole model, where folder is the one of this file:", *whole.code.splitlines())
        whole_model = "\n" + "".join(f"# {line}".rstrip() + "\n" for line in lines)
    path.write_text(
        f'''"""Load the exported last layer; needs torch and safetensors alone. The mask is folded into its weights."""

from pathlib import Path

import torch
from safetensors.torch import load_file

head = torch.nn.Linear({head.num_neurons}, {head.num_classes})
head.load_state_dict(load_file(Path(__file__).with_name("head.safetensors")))
class_names = {list(run.evaluation.class_names)!r}

# logits = head(embeddings), where embeddings [N, {head.num_neurons}] are the input of the last layer of your model.
{whole_model}''',
        encoding="utf-8",
    )
    loaded = runpy.run_path(str(path))
    import torch

    rows = min(1024, run.evaluation.num_samples)
    vectors = np.array(run.evaluation.embeddings[:rows], dtype=np.float32)
    with torch.inference_mode():
        again = loaded["head"](torch.from_numpy(vectors)).numpy()
    expected = head.logits(vectors)
    difference = largest_difference(again, expected)
    right = difference <= TOLERANCE * max(1.0, float(np.abs(expected).max()))
    require(right and tuple(loaded["class_names"]) == run.evaluation.class_names, path.name, "it gives other logits")
    return f"run; its logits on {rows} samples differ by at most {difference:.2g}"


def _write_card(folder: Path, text: str) -> str:
    path = folder / "MODEL_CARD.md"
    path.write_text(text, encoding="utf-8")
    require(path.read_text(encoding="utf-8") == text, path.name, "its text differs")
    return "reread; its numbers are computed from the head and the evaluation set"
