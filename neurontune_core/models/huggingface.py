"""What Hugging Face's image and text models share: a local folder with ``config.json`` and weights, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.models.checkpoints import read_checkpoint
from neurontune_core.models.fitting import Fit, match, refuse_misfit, seeded
from neurontune_core.models.saved import weights_in

_MAX_UNFILLED = 4  # times the numbers in the checkpoint that a network may have


@dataclass(frozen=True)
class Folder:
    """A model's folder: its configuration, and the checkpoint (None for random weights)."""

    path: Path
    checkpoint: Path | None
    config: Any


def cached_folder(hub_id: str, allowed: Mapping[str, str]) -> Path:
    """Return the local cache folder of an allowed hub model at its pinned revision; nothing is downloaded.

    Raises:
        InputError: when the model is not allowed, its revision is no commit, or it is not in the cache.
    """
    from huggingface_hub import snapshot_download

    if hub_id not in allowed:
        raise InputError(
            f'The hub model "{hub_id}" is not on the list of allowed ones ({", ".join(allowed) or "none"}); '
            'download its folder and give that as "weights".'
        )
    revision = allowed[hub_id]
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise InputError(f'The revision "{revision}" of "{hub_id}" is not a commit; pin 40 hexadecimal digits.')
    try:
        return Path(snapshot_download(hub_id, revision=revision, local_files_only=True))
    except OSError:
        raise InputError(
            f'"{hub_id}" is not in the local cache; fetch it with: hf download {hub_id} --revision {revision}'
        ) from None


def open_folder(spec: Mapping[str, Any], base: Path) -> Folder:
    """Open the model folder that ``spec`` names.

    ``weights`` is the folder, a checkpoint in it, or a checkpoint for the folder ``config``.

    Raises:
        InputError: when there is no configuration or no checkpoint, or it is of a kind that is not loaded.
    """
    from transformers import AutoConfig

    weights = spec.get("weights")
    if not isinstance(weights, str) or not weights:
        raise InputError('The model has no "weights"; give the folder with its config.json and model.safetensors.')
    path = base / weights
    checkpoint: Path | None = None
    if weights == "random":
        folder = base / str(spec.get("config") or ".")
    elif path.is_dir():
        folder = path
        checkpoint = weights_in(path)
    else:
        folder, checkpoint = base / str(spec["config"]) if spec.get("config") else path.parent, path
    if not (folder / "config.json").is_file():
        raise InputError(f"There is no config.json in {folder}; give the folder that save_pretrained wrote.")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a foreign configuration may stop the reader anywhere, with any error
        raise InputError(
            f"{folder / 'config.json'} is not a model that transformers knows ({first_line(error)}); "
            "code that comes with a model is never run."
        ) from None
    kind = getattr(config, "problem_type", None)
    if kind in ("multi_label_classification", "regression") and spec.get("num_classes") != 0:
        what = "several labels at once" if kind == "multi_label_classification" else "a number"
        raise InputError(
            f'The model in {folder} predicts {what} (problem_type "{kind}"), so it has no one class to be wrong about; '
            "give a classifier, or leave its head off (--num-classes 0)."
        )
    if getattr(config, "quantization_config", None):
        raise InputError(f"The model in {folder} is quantized; save it in float32 or float16.")
    config.return_dict = True
    config.num_labels = max(int(config.num_labels or 0), 1)
    return Folder(folder, checkpoint, config)


def network_class(auto_class: Any, config: Any, kind: str) -> Any:
    """Return the class that ``auto_class`` maps the configuration to.

    Raises:
        InputError: when there is none.
    """
    try:
        candidates = auto_class._model_mapping[type(config)]
    except KeyError:
        raise InputError(f'transformers has no {kind} for the model type "{config.model_type}".') from None
    several = candidates if isinstance(candidates, tuple) else (candidates,)
    return next((cls for cls in several if cls.__name__ in (config.architectures or ())), several[0])


def outline(cls: Any, config: Any) -> nn.Module:
    """Build the network on the meta device, without memory for its weights, for its names and sizes."""
    try:
        with torch.device("meta"):
            return cls._from_config(config, attn_implementation=_attention(cls))
    except Exception as error:
        raise InputError(
            f'The configuration of "{config.model_type}" builds no network ({first_line(error)}).'
        ) from None


def class_names(config: Any) -> tuple[str, ...]:
    """Return the output names of ``config.json`` in their order; empty where they are only LABEL_0, LABEL_1, ...

    >>> from types import SimpleNamespace
    >>> class_names(SimpleNamespace(id2label={"0": "cat", "1": "dog"}, num_labels=2))
    ('cat', 'dog')
    >>> class_names(SimpleNamespace(id2label={"0": "LABEL_0"}, num_labels=1))
    ()
    """
    labels = {int(index): str(name) for index, name in (config.id2label or {}).items()}
    names = tuple(labels.get(index, "") for index in range(config.num_labels))
    return () if not all(names) or all(re.fullmatch(r"LABEL_\d+", name) for name in names) else names


def head_of(probe: Any, num_labels: int) -> str:
    """Return the name of the last linear layer outside the backbone.

    Raises:
        InputError: when there is none with ``num_labels`` outputs.
    """
    inside = f"{probe.base_model_prefix}."
    linear = {name: layer for name, layer in probe.named_modules() if isinstance(layer, nn.Linear)}
    names = [name for name, layer in linear.items() if not name.startswith(inside) and layer.out_features == num_labels]
    if not names:
        raise InputError(
            f'"{type(probe).__name__}" does not end in one linear layer, so it has no neurons to examine; '
            "use a network whose last layer is torch.nn.Linear."
        )
    return names[-1]


def read_weights(path: Path, probe: Any, key: str = "") -> tuple[dict[str, torch.Tensor], Fit]:
    """Read the tensors of a checkpoint under the names of ``probe`` or of its backbone.

    Raises:
        InputError: as `read_checkpoint`, and when the configuration describes a far larger network than the weights.
    """
    names = list(probe.state_dict())
    inner = [name.removeprefix(f"{probe.base_model_prefix}.") for name in names]
    state, fit = match(read_checkpoint(path, key), [*names, *inner])
    needed, there = (sum(tensor.numel() for tensor in tensors.values()) for tensors in (probe.state_dict(), state))
    if needed > _MAX_UNFILLED * there + 1_000_000:
        raise InputError(
            f"config.json beside {path} is of a network of {needed:,} numbers, but the checkpoint holds {there:,}; "
            "use the config.json that was saved with it."
        )
    return state, fit


def assemble(
    cls: Any, config: Any, state: dict[str, torch.Tensor], source: str, optional: str = "$^"
) -> tuple[nn.Module, list[str], list[str]]:
    """Build the network with ``state`` as its weights.

    transformers itself loads the tensors, since it knows the names that older versions gave them.

    Args:
        cls, config: the class of the network and its configuration.
        state: tensors by name.
        source: the checkpoint, for messages.
        optional: a pattern of the names that may be missing.

    Returns:
        The network, the missing optional names, and the names that were left over.

    Raises:
        InputError: when anything else is missing or of another shape.
    """
    with quiet(), seeded():
        try:
            module, info = cls.from_pretrained(
                None,
                config=config,
                state_dict=state,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                local_files_only=True,
                dtype=torch.float32,
                attn_implementation=_attention(cls),
            )
        except Exception as error:
            raise InputError(f"{source} does not load as {cls.__name__} ({first_line(error)}).") from None
    missing = sorted(info["missing_keys"])
    reshaped = {name: (list(there), list(expected)) for name, there, expected in info["mismatched_keys"]}
    lacking = [name for name in missing if not re.search(optional, name)]
    refuse_misfit(source, cls.__name__, lacking, [], reshaped)
    return module, missing, sorted(info["unexpected_keys"])


def fresh(cls: Any, config: Any) -> nn.Module:
    """Build the network with random weights, the same at every load."""
    with quiet(), seeded():
        return cls._from_config(config, attn_implementation=_attention(cls), dtype=torch.float32)


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__


def _attention(cls: Any) -> str:
    """Choose the attention kernel here, so that a configuration cannot request kernels from elsewhere."""
    return "sdpa" if getattr(cls, "_supports_sdpa", False) else "eager"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers quiet in the block: `Fit` reports what was missing or left over, not the terminal."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
