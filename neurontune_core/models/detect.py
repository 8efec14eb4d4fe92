"""Which model lies at a path: the spec for `load_model`, from the files alone. Nothing is run, nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neurontune_core.errors import InputError, listing
from neurontune_core.files import read_json
from neurontune_core.models import saved
from neurontune_core.models.known_networks import NetworkName, identify, lacking, misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".th", ".tar")
_FAMILIES = ("torchvision", "efficientnet_lite", "cifar_resnet", "timm")  # the likelier first
_POSITIONS = ("pos_embed", "patch_embed.proj.weight")
_MAX_CLASS_TOKENS = 5  # class, distillation and register tokens in front of the patches


class ModelGuess(NamedTuple):
    """A recognized model.

    Attributes:
        spec: for `load_model`; its weights are an absolute path.
        description: one sentence.
        alternatives: other networks that the weights fit as well, for the user to choose from.
    """

    spec: dict[str, Any]
    description: str
    alternatives: tuple[NetworkName, ...] = ()


def guess_model(
    path: str | Path, family: str | None = None, architecture: str | None = None, weights_key: str | None = None
) -> ModelGuess:
    """Recognize the model of a checkpoint or of a model's folder.

    Args:
        path: the file or folder.
        family, architecture: as the user names them; otherwise detected.
        weights_key: where the weights are in a checkpoint that has several; see `read_checkpoint`.

    Raises:
        InputError: when there is nothing, the file is unsafe, or no known network has such weights.
    """
    place = Path(path).expanduser().resolve()
    if not place.exists():
        raise InputError(f"There is no weights file and no model folder {path}.")
    if place.is_dir() or place.name == saved.FILE:
        return _guess_folder(place if place.is_dir() else place.parent, family, architecture)
    if family in _HUGGING_FACE:
        return ModelGuess({"family": family, "weights": str(place)}, f"Weights for {family}, as named.")
    beside = place.parent / "config.json"
    if place.name in saved.WEIGHT_FILES and beside.is_file() and family in (None, *_HUGGING_FACE):
        return _guess_folder(place.parent, family, architecture)
    return _guess_file(place, family, architecture, weights_key)


_HUGGING_FACE = ("huggingface_image", "huggingface_text")


def _guess_folder(folder: Path, family: str | None, architecture: str | None) -> ModelGuess:
    if (folder / saved.FILE).is_file() and family is None:
        spec = saved.resolved({"weights": str(folder / saved.FILE)}, folder)
        return ModelGuess(spec, f"A model that was trained here, {spec.get('architecture') or spec['family']}.")
    if (folder / "config.json").is_file() and family in (None, "timm", *_HUGGING_FACE):
        config = read_json(folder / "config.json")
        config = config if isinstance(config, dict) else {}
        if "architecture" in config and "model_type" not in config:
            return _guess_timm_folder(folder, config, architecture)
        detected = family or _hugging_face_family(folder, config)
        kind = "image" if detected == "huggingface_image" else "text"
        name = next(iter(config.get("architectures") or ()), config.get("model_type", "unnamed"))
        return ModelGuess(
            {"family": detected, "weights": str(folder)}, f"A Hugging Face folder with the {kind} model {name}."
        )
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix.lower() in ENDINGS)
    if len(files) != 1:
        there = listing([file.name for file in files], 4) if files else f"none that ends in {', '.join(ENDINGS)}"
        raise InputError(f"{folder} has no config.json, and of checkpoints it has {there}; give the file of weights.")
    return _guess_file(files[0], family, architecture)


def _hugging_face_family(folder: Path, config: Mapping[str, Any]) -> str:
    from transformers.models.auto import modeling_auto as known

    kind = str(config.get("model_type"))
    images = kind in known.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES
    texts = kind in known.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
    if images == texts:
        raise InputError(
            f'config.json in {folder} is of the model type "{kind}", which is no image or text classifier of '
            "transformers; give weights of one that is."
        )
    return "huggingface_image" if images else "huggingface_text"


def _guess_timm_folder(folder: Path, config: Mapping[str, Any], architecture: str | None) -> ModelGuess:
    """Recognize a folder as timm pushes it to the hub, whose configuration names architecture and preprocessing."""
    name = architecture or str(config["architecture"])
    file = saved.weights_in(folder)
    spec: dict[str, Any] = {"family": "timm", "architecture": name, "weights": str(file)}
    stored = config.get("pretrained_cfg")
    if isinstance(stored, dict) and (preprocessing := _timm_preprocessing(stored)):
        spec["preprocessing"] = preprocessing
    arguments = config.get("model_args")
    spec["model_args"] = dict(arguments) if isinstance(arguments, dict) else {}
    if config.get("global_pool"):
        spec["model_args"] |= {"global_pool": config["global_pool"]}
    labels = config.get("label_names") or (stored.get("label_names") if isinstance(stored, dict) else None)
    if isinstance(labels, list) and labels:
        spec["label_names"] = [str(label) for label in labels]
    return ModelGuess(spec, f"A folder of timm's with the network {name}.")


def _timm_preprocessing(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what timm's own transform for evaluation does with such a configuration."""
    preprocessing: dict[str, Any] = {
        key: stored[key] for key in ("mean", "std") if isinstance(stored.get(key), list | tuple)
    }
    interpolation = stored.get("interpolation")
    if interpolation in ("nearest", "bilinear", "bicubic", "lanczos"):
        preprocessing["interpolation"] = interpolation
    size, share = stored.get("input_size"), stored.get("crop_pct") or 0.875
    if isinstance(size, list | tuple) and len(size) == 3 and size[1] == size[2]:
        squash = stored.get("crop_mode") == "squash"
        side = int(size[2])
        resize = max(int(side / float(share)), side)
        preprocessing |= {"image_size": side, "resize": resize, "resize_mode": "squash" if squash else "short_side"}
    return preprocessing


def _guess_file(file: Path, family: str | None, architecture: str | None, weights_key: str | None = None) -> ModelGuess:
    from neurontune_core.models.checkpoints import read_checkpoint

    if architecture and family:
        named = {"family": family, "architecture": architecture, "weights": str(file)}
        return ModelGuess(named, f"Weights for the {family} network {architecture}, as named.")
    state = read_checkpoint(file, weights_key or "").state
    candidates, prefix = identify(state)
    if architecture:
        candidates = [network for network in candidates if network.architecture == architecture] or _named(architecture)
    if family:
        candidates = [network for network in candidates if network.family == family]
    if not candidates:
        raise InputError(_not_recognized(file, state, family, architecture))
    inside = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    fitting = [network for network in candidates if not lacking(network, inside)]
    if not fitting and not architecture:
        close, without = candidates[0], listing([f'"{name}"' for name in lacking(candidates[0], inside)], 2)
        raise InputError(
            f"The weights in {file} come close to {close}, but lack {without}; name family and architecture of the "
            "network that they are of, or the function that builds it with --entry module:function."
        )
    best = _closest(fitting or candidates, inside)
    first, others = best[0], tuple(best[1:])
    size = _unusual_size(first.architecture, inside) if first.family == "timm" else None
    spec: dict[str, Any] = {"family": first.family, "architecture": first.architecture, "weights": str(file)}
    spec |= {"image_size": size} if size else {}
    also = f"; they fit {listing([str(network) for network in others], 4)} as well" if others else ""
    return ModelGuess(spec, f"{file.name} holds the weights of {first}, told by their names and shapes{also}.", others)


def _named(architecture: str) -> list[NetworkName]:
    """List the networks of this architecture, one for each family that has it."""
    from neurontune_core.models.known_networks import read_index

    every = (NetworkName(*names) for networks in read_index()["networks"].values() for names in networks)
    return [network for network in every if network.architecture == architecture]


def _closest(candidates: list[NetworkName], state: Mapping[str, torch.Tensor]) -> list[NetworkName]:
    """Return the networks that share most tensors with the checkpoint, the likelier family and plainer name first.

    A ResNet of torchvision equals timm's of the same name, weight by weight and result by result, so one of them is
    returned.
    """
    ours = {network.architecture for network in candidates if network.family != "timm"}
    candidates = [
        network
        for network in candidates
        if network.family != "timm" or network.architecture.removeprefix("tv_") not in ours
    ]
    if len(candidates) > 1:
        shapes = {name: tensor.shape for name, tensor in state.items()}
        strange = {network: misfit(network, shapes) for network in candidates}
        candidates = [network for network in candidates if strange[network] == min(strange.values())]
    return sorted(candidates, key=lambda network: (_FAMILIES.index(network.family), len(network.architecture), network))


def _unusual_size(architecture: str, state: Mapping[str, torch.Tensor]) -> int | None:
    """Return the image size of a position table that is not the architecture's default; None for the default."""
    import timm

    size = _image_size(state)
    known: Any = timm.get_pretrained_cfg(architecture, allow_unregistered=False)
    return None if size == known.input_size[-1] else size


def _image_size(state: Mapping[str, torch.Tensor]) -> int | None:
    """Return the image size that a vision transformer with a square position table was trained on."""
    table, patches = (state.get(name) for name in _POSITIONS)
    if table is None or patches is None or table.ndim != 3 or patches.ndim != 4:
        return None
    for extra in range(_MAX_CLASS_TOKENS + 1):
        side = (table.shape[1] - extra) ** 0.5
        if side == int(side):
            return int(side) * patches.shape[-1]
    return None


def _not_recognized(file: Path, state: Mapping[str, torch.Tensor], family: str | None, architecture: str | None) -> str:
    asked = " ".join(filter(None, (family, architecture)))
    names = [name for name, tensor in state.items() if tensor.ndim > 1] or list(state)
    of = f'no network "{asked}"' if asked else "no network of torchvision, timm, EfficientNet-Lite or CIFAR's ResNets"
    return (
        f"The weights in {file} are those of {of} (among {len(state)} tensors are "
        f"{listing([f'{name} {list(state[name].shape)}' for name in (names[0], names[-1])], 2)}); name family and "
        "architecture, give the folder with the config.json of a Hugging Face model, or, on the command line, the "
        "function that builds the network with --entry module:function."
    )
