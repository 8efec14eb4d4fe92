"""ImageModel: one network, cut into what makes the embedding and the linear layer that reads it."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.models.anatomy import Anatomy, Tap, dissect

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input: resize, centre crop, ``(x - mean) / std``.

    Attributes:
        image_size: side of the square that the network sees, in pixels.
        resize: side that the picture is resized to before the crop, in pixels; at least ``image_size``.
        resize_mode: ``"short_side"`` keeps the proportions (torchvision's ``Resize(256)``), ``"squash"`` makes a
            square of the whole picture (``Resize((256, 256))``, as the Waterbirds recipe does).
        mean, std: per RGB channel, for pixel values in 0..1.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"`` or ``"lanczos"``.

    Raises:
        InputError: when a value is outside its range.
    """

    image_size: int = 224
    resize: int = 256
    resize_mode: Literal["short_side", "squash"] = "short_side"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if not 0 < self.image_size <= self.resize:
            raise InputError(
                f"Expected 0 < image_size <= resize, but got image_size {self.image_size} and resize {self.resize}."
            )
        if self.resize_mode not in ("short_side", "squash"):
            raise InputError(f'resize_mode has the value "{self.resize_mode}"; use "short_side" or "squash".')
        if self.interpolation not in _FILTERS:
            raise InputError(f'interpolation has the value "{self.interpolation}"; use one of {", ".join(_FILTERS)}.')
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != 3 or (name == "std" and min(values) <= 0):
                raise InputError(
                    f"Expected three {name} values, one per colour channel (std above 0), but got {values!r}."
                )
            object.__setattr__(self, name, tuple(float(value) for value in values))

    def changed(self, spec: dict[str, Any]) -> Preprocessing:
        """These defaults with what a model spec says: its ``image_size`` and its ``preprocessing`` table.

        A new image size alone keeps the proportion between resize and crop.
        """
        given = dict(spec.get("preprocessing") or {})
        if spec.get("image_size"):
            given.setdefault("image_size", spec["image_size"])
        unknown = set(given) - {field.name for field in dataclasses.fields(self)}
        if unknown:
            raise InputError(
                f'The preprocessing setting "{min(unknown)}" is not known; known are {", ".join(self.to_json())}.'
            )
        if "image_size" in given and "resize" not in given:
            given["resize"] = round(given["image_size"] * self.resize / self.image_size)
        return dataclasses.replace(self, **given)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    def crop(self, image: Image.Image) -> Image.Image:
        """The RGB picture [image_size, image_size] that the network sees, before normalisation."""
        width, height = image.size
        if self.resize_mode == "squash":
            size = (self.resize, self.resize)
        elif width <= height:
            size = (self.resize, int(self.resize * height / width))
        else:
            size = (int(self.resize * width / height), self.resize)
        if size != image.size:
            image = image.resize(size, _FILTERS[self.interpolation])
        left, top = (round((side - self.image_size) / 2) for side in size)  # torchvision's CenterCrop
        return image.crop((left, top, left + self.image_size, top + self.image_size))

    def __call__(self, image: Image.Image) -> np.ndarray:
        """RGB picture -> [3, image_size, image_size] float32."""
        pixels = np.asarray(self.crop(image), dtype=np.float32) / np.float32(255)
        normalised = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normalised.transpose(2, 0, 1))


class ImageModel:
    """A network in evaluation mode that ends in a linear layer.

    Attributes:
        module: the network; ``module(batch)`` gives its logits.
        architecture: its name, such as ``"resnet18"``.
        num_neurons: M, the width of the embedding.
        num_classes: C, the number of logits.
        preprocessing: how a picture becomes its input.
        lock: to be held by who sets hooks of their own on the module's layers.
        classifier_name: the state-dict prefix of the head, such as ``"fc"`` or ``"classifier.1"``.

    Raises:
        InputError: when the network does not end in one linear layer.
    """

    def __init__(
        self, module: nn.Module, architecture: str, preprocessing: Preprocessing, *, trained_head: bool = True
    ) -> None:
        self.module = module.eval().requires_grad_(False)
        self.architecture = architecture
        self.preprocessing = preprocessing
        self._trained_head = trained_head
        self._anatomy: Anatomy = dissect(self.module, preprocessing.image_size, architecture)
        self.lock = threading.RLock()  # hooks see every caller of the module, so callers take turns
        self.classifier_name = self._anatomy.classifier_name
        self.num_neurons = int(self._classifier.in_features)
        self.num_classes = int(self._classifier.out_features)

    @property
    def _classifier(self) -> nn.Linear:
        layer = self.module.get_submodule(self.classifier_name)
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def device(self) -> torch.device:
        return self._classifier.weight.device

    def to(self, device: str | torch.device) -> ImageModel:
        self.module.to(device)
        return self

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        """[B, 3, H, W] -> [B, M] float32 on the model's device."""
        with torch.inference_mode():
            return self.embed_with_gradient(batch)

    def embed_with_gradient(self, batch: torch.Tensor) -> torch.Tensor:
        """`embed` for those who differentiate it."""
        with self._capture(Tap(self.classifier_name, "input", "vector")) as captured:
            self.module(batch.to(self.device))
        return captured[0]

    def channel_maps(self, batch: torch.Tensor) -> torch.Tensor | None:
        """[B, 3, H, W] -> [B, M, h, w] whose mean over h and w is the embedding; None where the network has none."""
        if self._anatomy.channel_maps is None:
            return None
        with torch.inference_mode(), self._capture(self._anatomy.channel_maps) as captured:
            self.module(batch.to(self.device))
        return self._anatomy.channel_maps.spatial(captured[0], self._anatomy.grid)

    def heatmap_layer(self) -> nn.Module:
        """The last layer that still knows where in the picture something is.

        Raises:
            InputError: when the network has no such layer.
        """
        return self.module.get_submodule(self.heatmap_tap().module)

    def heatmap_tap(self) -> Tap:
        """`heatmap_layer` by name, with the side to read and its layout."""
        tap = self._anatomy.channel_maps or self._anatomy.heatmap
        if tap is None:
            raise InputError(
                f'"{self.architecture}" has no layer with a map over the picture, so no heatmap can be drawn.'
            )
        return tap

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of a token model's patches; (0, 0) for other networks."""
        return self._anatomy.grid

    def head(self) -> LinearHead | None:
        """The network's own last layer; None when it was never trained."""
        if not self._trained_head:
            return None
        layer = self._classifier
        weight = layer.weight.detach().float().cpu().numpy().copy()
        bias = (
            np.zeros(len(weight), np.float32)
            if layer.bias is None
            else layer.bias.detach().float().cpu().numpy().copy()
        )
        return LinearHead(
            weight, bias, provenance={"architecture": self.architecture, "fingerprint": self.fingerprint()}
        )

    def state_dict_with(self, head: LinearHead) -> dict[str, torch.Tensor]:
        """A copy of the network's weights in which the last layer is ``head``.

        Raises:
            InputError: when the head has other sizes, or a bias where the network has none.
        """
        head.check_fits(self.num_neurons, self.num_classes)
        state = {name: tensor.detach().cpu().clone() for name, tensor in self.module.state_dict().items()}
        replacement = {"weight": head.weight, "bias": head.bias}
        if self._classifier.bias is None:
            if np.any(head.bias):
                raise InputError(
                    f'The last layer of "{self.architecture}" has no bias, so a head with a bias does not fit it.'
                )
            del replacement["bias"]
        for name, values in replacement.items():
            key = f"{self.classifier_name}.{name}"
            state[key] = torch.from_numpy(values.copy()).to(state[key].dtype)
        return state

    def fingerprint(self) -> str:
        """16 hexadecimal digits of the SHA-256 over architecture and weights."""
        digest = hashlib.sha256(self.architecture.encode())
        for name, tensor in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()[:16]

    @contextmanager
    def _capture(self, tap: Tap) -> Iterator[list[torch.Tensor]]:
        """Collect what flows through ``tap``; of a layer that is called more than once, the last call."""
        captured: list[torch.Tensor] = []

        def keep(tensor: torch.Tensor) -> None:
            captured[:] = [tensor]

        layer = self.module.get_submodule(tap.module)
        with self.lock:
            if tap.side == "input":
                handle = layer.register_forward_pre_hook(lambda _, inputs: keep(inputs[0]))
            else:
                handle = layer.register_forward_hook(lambda _, __, output: keep(output))
            try:
                yield captured
            finally:
                handle.remove()
