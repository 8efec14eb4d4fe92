"""The exported bundle: mask, head, whole model, card and a loading snippet, each read back and compared."""

from __future__ import annotations

import os
import runpy
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.export.card import TunedRun, model_card
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask

if TYPE_CHECKING:
    from neurontune_core.models.base import Network

FILES = ("mask.json", "head.safetensors", "model_state_dict.safetensors", "load_head.py", "MODEL_CARD.md")

_TOLERANCE = 1e-5  # of logits after a reload; for a second implementation, of the largest logit where that is above 1
_SAMPLES = 8  # run through the reloaded model
_HALF_PRECISION = 2.0**-10  # twice float16's rounding error: the room for vectors that were stored in it


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


class VerificationError(RuntimeError):
    """A file that was read back differs from what was written; nothing is exported."""


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
        preprocessing = None
        if model is not None:
            preprocessing, check = _write_model(working, run, model, dataset, Path(base), allow_python)
            checks["model_state_dict.safetensors"] = check
        checks["load_head.py"] = _write_snippet(working, run)
        checks["MODEL_CARD.md"] = _write_card(working, model_card(run, checks, preprocessing))
        return _move_into_place(working, folder, checks)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _check_folder(folder: Path) -> None:
    """Raise InputError where the bundle would be mixed with files of somebody else."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the export.")
    foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in FILES) if folder.is_dir() else []
    if foreign:
        raise InputError(
            f'{folder} holds other files, such as "{foreign[0]}"; choose an empty folder, or that of an earlier export.'
        )


def _require(right: bool, name: str, what: str) -> None:
    if not right:
        raise VerificationError(f"{name} was read back, and {what}; nothing was exported.")


def _move_into_place(working: Path, folder: Path, checks: Mapping[str, str]) -> list[ExportedFile]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if name in checks:
            os.replace(working / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)  # of an earlier bundle
    return [ExportedFile(name, folder / name, (folder / name).stat().st_size, check) for name, check in checks.items()]


def _write_mask(folder: Path, mask: Mask) -> str:
    mask.save(folder / "mask.json")
    again = Mask.load(folder / "mask.json")
    same = np.array_equal(again.biased, mask.biased) and dict(again.verdicts) == dict(mask.verdicts)
    values = (again.threshold, again.mask_value) == (mask.threshold, mask.mask_value)
    _require(same and values, "mask.json", "it is not the mask of the run")
    return f"reloaded; the same {mask.num_biased} of {mask.num_neurons} neurons"


def _write_head(folder: Path, run: TunedRun) -> str:
    path = folder / "head.safetensors"
    replace(run.head, class_names=run.evaluation.class_names).save(path)
    again = LinearHead.load(path).logits(run.evaluation.embeddings)
    difference = _largest_difference(again, run.head.logits(run.evaluation.embeddings))
    _require(difference <= _TOLERANCE, path.name, f"its logits differ by {difference:.2g}")
    return f"reloaded; logits on {len(again)} samples differ by at most {difference:.2g}"


def _write_model(
    folder: Path,
    run: TunedRun,
    spec: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    base: Path,
    allow_python: bool,
) -> tuple[dict[str, Any], str]:
    """Return the model's preprocessing, and the check."""
    import torch
    from safetensors.torch import save_file

    from neurontune_core.models import load_model

    original = load_model(dict(spec), base, allow_python=allow_python)
    if original.num_classes != run.head.num_classes:  # an ImageNet body whose head was trained on the embeddings
        original = load_model({**spec, "num_classes": run.head.num_classes}, base, allow_python=allow_python)
    state = {name: tensor.contiguous() for name, tensor in original.state_dict_with(run.head).items()}
    path = folder / "model_state_dict.safetensors"
    save_file(state, path)

    written = {"weights": str(path.resolve()), "num_classes": run.head.num_classes}
    if "weights" in spec and (base / str(spec["weights"])).is_dir():  # a Hugging Face folder, with the network's config
        written.setdefault("config", spec["weights"])
    again = load_model({**spec, **written}, base, allow_python=allow_python)
    loaded = again.module.state_dict()
    equal = loaded.keys() == state.keys() and all(torch.equal(loaded[name], state[name]) for name in state)
    _require(equal, path.name, "its tensors are not those that were written")
    weight = loaded[f"{again.classifier_name}.weight"]
    same_head = torch.equal(weight, torch.from_numpy(run.head.weight).to(weight.dtype))
    _require(same_head, path.name, "its last layer is not the tuned head")
    check = f"reloaded into {original.architecture}; all {len(state)} tensors equal"
    if dataset is None or run.evaluation.sources is None:
        return original.input_settings(), f"{check}; no samples to run it on"
    return (
        original.input_settings(),
        f"{check}; {_run_on_samples(path.name, again, original, run, dataset, base)}",
    )


def _run_on_samples(
    name: str,
    again: Network[Any],
    original: Network[Any],
    run: TunedRun,
    dataset: Mapping[str, Any],
    base: Path,
) -> str:
    """Compare the reloaded model's logits with the tuned head's, on fresh embeddings and on the stored ones."""
    from neurontune_core.datasets import open_dataset

    evaluation = run.evaluation
    assert evaluation.sources is not None
    rows = np.unique(np.linspace(0, evaluation.num_samples - 1, _SAMPLES).astype(np.int64))
    try:
        samples = open_dataset(dict(dataset), base)
        opened = [original.prepare(samples.open_sample(str(evaluation.sources[row]))) for row in rows]
    except InputError as error:  # moved or deleted files are no reason to withhold the model
        return f"not run on samples: {error}"
    batch = original.batch(opened)
    logits = again.logits(batch).float().cpu().numpy()
    fresh = run.head.logits(original.embed(batch).float().cpu().numpy())
    scale = max(1.0, float(np.abs(fresh).max()))
    difference = _largest_difference(logits, fresh)
    _require(difference <= _TOLERANCE * scale, name, f"its logits differ by {difference:.2g} from the tuned head's")

    vectors = np.asarray(evaluation.embeddings[rows], dtype=np.float32)
    room = _HALF_PRECISION * (np.abs(vectors) @ np.abs(run.head.weight).T) + _TOLERANCE * scale
    from_stored = np.abs(logits - run.head.logits(vectors))
    _require(
        bool((from_stored <= room).all()),
        name,
        f"its logits differ by {from_stored.max():.2g} from those of the stored embeddings, so these are of another "
        "model or other images",
    )
    return (
        f"logits on {len(rows)} samples differ by at most {difference:.2g} from the head on their embeddings "
        f"({from_stored.max():.2g} from the embeddings on disk)"
    )


def _write_snippet(folder: Path, run: TunedRun) -> str:
    path = folder / "load_head.py"
    head = run.head
    path.write_text(
        f'''"""Load the exported last layer; needs torch and safetensors alone. The mask is folded into its weights."""

from pathlib import Path

import torch
from safetensors.torch import load_file

head = torch.nn.Linear({head.num_neurons}, {head.num_classes})
head.load_state_dict(load_file(Path(__file__).with_name("head.safetensors")))
class_names = {list(run.evaluation.class_names)!r}

# logits = head(embeddings), where embeddings [N, {head.num_neurons}] are the input of the last layer of your model.
# The whole model: model.load_state_dict(load_file("model_state_dict.safetensors")), where that file was exported.
''',
        encoding="utf-8",
    )
    loaded = runpy.run_path(str(path))
    import torch

    rows = min(1024, run.evaluation.num_samples)
    vectors = np.array(run.evaluation.embeddings[:rows], dtype=np.float32)
    with torch.inference_mode():
        again = loaded["head"](torch.from_numpy(vectors)).numpy()
    expected = head.logits(vectors)
    difference = _largest_difference(again, expected)
    right = difference <= _TOLERANCE * max(1.0, float(np.abs(expected).max()))
    _require(right and tuple(loaded["class_names"]) == run.evaluation.class_names, path.name, "it gives other logits")
    return f"run; its logits on {rows} samples differ by at most {difference:.2g}"


def _write_card(folder: Path, text: str) -> str:
    path = folder / "MODEL_CARD.md"
    path.write_text(text, encoding="utf-8")
    _require(path.read_text(encoding="utf-8") == text, path.name, "its text differs")
    return "reread; its numbers are computed from the head and the evaluation set"


def _largest_difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max())
