"""The whole model with another head: its state dict, and the form that its own library loads, both read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.export.card import TunedRun
from neurontune_core.export.verification import TOLERANCE, largest_difference, require
from neurontune_core.head import LinearHead
from neurontune_core.models.saved import PRETRAINED_FILES, PROCESSOR, WEIGHTS

if TYPE_CHECKING:
    import torch

    from neurontune_core.models.base import Network
    from neurontune_core.models.pretrained import LibraryForm

STATE_DICT = "model_state_dict.safetensors"
_SAMPLES = 8  # run through the reloaded model
_HALF_PRECISION = 2.0**-10  # twice float16's rounding error: the room for vectors that were stored in it
_TRIED = ("a first text to try", "and another, of 2024")


@dataclass(frozen=True)
class WholeModel:
    """What was written of a whole model.

    Attributes:
        checks: file name -> what was compared, as a sentence.
        preprocessing: how a sample becomes its input.
        code: lines of Python that load it from the folder ``folder``.
    """

    checks: dict[str, str]
    preprocessing: dict[str, Any]
    code: str


class _Samples(NamedTuple):
    """Some samples of the evaluation set, as a reloaded model is run on them.

    Attributes:
        batch: the input of the network.
        fresh, stored: [B, C] the tuned head's logits on the network's embeddings of them, and on those on disk.
        room: [B, C] by how much the latter may differ.
    """

    batch: Any
    fresh: np.ndarray
    stored: np.ndarray
    room: np.ndarray


@dataclass(frozen=True)
class _Reference:
    """What a reloaded model is compared with.

    Attributes:
        state: tensors by name.
        classifier: the name of the last layer's weight.
        head: the tuned head, which that layer is.
        samples: to run it on, or why there are none.
    """

    state: Mapping[str, torch.Tensor]
    classifier: str
    head: LinearHead
    samples: _Samples | str

    def compare(self, name: str, module: torch.nn.Module, logits: Callable[[Any], torch.Tensor]) -> str:
        """Compare a network that was read back; return what was compared, as a sentence.

        Args:
            name: of the file.
            module: the network.
            logits: makes its output of a batch.

        Raises:
            VerificationError: when a tensor differs, or the logits differ beyond rounding.
        """
        import torch

        loaded = module.state_dict()
        equal = loaded.keys() == self.state.keys() and all(torch.equal(loaded[key], self.state[key]) for key in loaded)
        require(equal, name, "its tensors are not those that were written")
        weight = loaded[self.classifier]
        same_head = torch.equal(weight, torch.from_numpy(self.head.weight).to(weight.dtype))
        require(same_head, name, "its last layer is not the tuned head")
        tensors = f"all {len(loaded)} tensors equal"
        if isinstance(self.samples, str):
            return f"{tensors}; {self.samples}"
        batch, fresh, stored, room = self.samples
        again = logits(batch).float().cpu().numpy()
        difference = largest_difference(again, fresh)
        scale = max(1.0, float(np.abs(fresh).max()))
        require(difference <= TOLERANCE * scale, name, f"its logits differ by {difference:.2g} from the tuned head's")
        from_stored = np.abs(again - stored)
        require(
            bool((from_stored <= room).all()),
            name,
            f"its logits differ by {from_stored.max():.2g} from those of the stored embeddings, so these are of "
            "another model or other images",
        )
        return (
            f"{tensors}; logits on {len(again)} samples differ by at most {difference:.2g} from the head on their "
            f"embeddings ({from_stored.max():.2g} from the embeddings on disk)"
        )


def write_whole_model(
    folder: Path,
    run: TunedRun,
    spec: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    base: Path,
    allow_python: bool,
) -> WholeModel:
    """Write the model with the tuned head, and compare what is read back.

    Args:
        folder: where the files go.
        run: the head and the evaluation set.
        spec: of the model, for `load_model`.
        dataset: its spec, for real samples; None for none.
        base: the folder that the specs' relative paths start from.
        allow_python: as in `load_model`.

    Raises:
        InputError: when the model cannot be loaded, or does not fit the head.
        VerificationError: when a file does not come back as it was written.
    """
    from safetensors.torch import save_file

    from neurontune_core.models import load_model
    from neurontune_core.models.pretrained import write_library_form

    original = load_model(dict(spec), base, allow_python=allow_python)
    if original.num_classes != run.head.num_classes:  # an ImageNet body whose head was trained on the embeddings
        original = load_model({**spec, "num_classes": run.head.num_classes}, base, allow_python=allow_python)
    state = {name: tensor.contiguous() for name, tensor in original.state_dict_with(run.head).items()}
    path = folder / STATE_DICT
    save_file(state, path)

    written = {"weights": str(path.resolve()), "num_classes": run.head.num_classes}
    if "weights" in spec and (base / str(spec["weights"])).is_dir():  # a Hugging Face folder, with the network's config
        written.setdefault("config", spec["weights"])
    again = load_model({**spec, **written}, base, allow_python=allow_python)
    reference = _reference(original, run, state, dataset, base)
    compared = reference.compare(path.name, again.module, again.logits)
    checks = {path.name: f"reloaded into {original.architecture}; {compared}"}
    code = f'from safetensors.torch import load_file\n\nmodel.load_state_dict(load_file(folder / "{path.name}"))'

    original.module.load_state_dict(state)
    form = write_library_form(original, spec, base, run.evaluation.class_names, path)
    if form is not None:
        checks |= _check_library_form(folder, form, original, spec, reference, checks[path.name])
        code = form.code
    return WholeModel(checks, original.input_settings(), code)


def _reference(
    original: Network[Any],
    run: TunedRun,
    state: Mapping[str, torch.Tensor],
    dataset: Mapping[str, Any] | None,
    base: Path,
) -> _Reference:
    """Return what reloaded models are compared with, on samples of the evaluation set where it has any."""
    from neurontune_core.datasets import open_dataset

    classifier, evaluation = f"{original.classifier_name}.weight", run.evaluation
    if dataset is None or evaluation.sources is None:
        return _Reference(state, classifier, run.head, "no samples to run it on")
    rows = np.unique(np.linspace(0, evaluation.num_samples - 1, _SAMPLES).astype(np.int64))
    try:
        samples = open_dataset(dict(dataset), base)
        opened = [original.prepare(samples.open_sample(str(evaluation.sources[row]))) for row in rows]
    except InputError as error:  # moved or deleted files are no reason to withhold the model
        return _Reference(state, classifier, run.head, f"not run on samples: {error}")
    batch = original.batch(opened)
    fresh = run.head.logits(original.embed(batch).float().cpu().numpy())
    vectors = np.asarray(evaluation.embeddings[rows], dtype=np.float32)
    scale = max(1.0, float(np.abs(fresh).max()))
    room = _HALF_PRECISION * (np.abs(vectors) @ np.abs(run.head.weight).T) + TOLERANCE * scale
    return _Reference(state, classifier, run.head, _Samples(batch, fresh, run.head.logits(vectors), room))


def _check_library_form(
    folder: Path,
    form: LibraryForm,
    original: Network[Any],
    spec: Mapping[str, Any],
    reference: _Reference,
    of_state_dict: str,
) -> dict[str, str]:
    """Load the folder through the library alone and compare; return the check of each file that this reads."""
    import torch

    from neurontune_core.models.anatomy import run

    network = form.load(folder)

    def logits(batch: Any) -> torch.Tensor:
        with torch.inference_mode():
            return run(network, batch)

    weights = WEIGHTS if (folder / WEIGHTS).is_file() else STATE_DICT
    compared = f"loaded by {form.call}; {reference.compare(weights, network, logits)}"
    if weights == STATE_DICT:
        return {STATE_DICT: f"{of_state_dict}; also {compared}"}
    inputs = _check_inputs(folder, original, spec) if str(spec["family"]).startswith("huggingface") else ""
    checks = {
        "config.json": f"read with {WEIGHTS}; names the {reference.head.num_classes} classes",
        WEIGHTS: compared,
    }
    beside = [name for name in PRETRAINED_FILES if name not in checks and (folder / name).is_file()]
    return checks | dict.fromkeys(beside, inputs)


def _check_inputs(folder: Path, original: Network[Any], spec: Mapping[str, Any]) -> str:
    """Compare what the written image processor or tokenizer makes of samples; return that as a sentence.

    An image processor that does not prepare images as this model sees them is left out.

    Raises:
        VerificationError: when the tokenizer gives other tokens.
    """
    import torch

    from neurontune_core.models import load_model

    same = {"family": spec["family"], "weights": str(folder.resolve())}
    if original.modality == "image":
        if load_model(same, folder).input_settings() != original.input_settings():
            (folder / PROCESSOR).unlink(missing_ok=True)
        return "prepares images as this model sees them"
    again = load_model(same | {"tokenization": dict(spec.get("tokenization") or {})}, folder)
    tried = [(text, text) for text in _TRIED] if original.modality == "text_pair" else list(_TRIED)
    theirs, ours = again.batch(tried), original.batch(tried)
    equal = theirs.keys() == ours.keys() and all(torch.equal(theirs[name], ours[name]) for name in ours)
    require(equal, "tokenizer.json", "it gives other tokens")
    return "read back; the same tokens of two texts"
