"""Networks cut into what makes the embedding and the linear layer that reads it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np
import torch
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.models.anatomy import Anatomy, Tap, dissect, run
from neurontune_core.models.fitting import Fit, seeded
from neurontune_core.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from PIL import Image

B = TypeVar("B", torch.Tensor, Mapping[str, torch.Tensor])  # images, or tokens by name


class Network(Generic[B]):
    """A network in evaluation mode that ends in a linear layer or, as a feature extractor, in its embedding.

    Attributes:
        module: the network.
        architecture: its name, such as ``"resnet18"``.
        num_neurons: M, the width of the embedding.
        num_classes: C, the number of logits; None without a head.
        classifier_name: the state-dict prefix of the head, such as ``"fc"`` or ``"classifier.1"``; None without one.
        loading: how its checkpoint was matched to it.
        lock: held by callers that register hooks of their own on the module's layers.
    """

    def __init__(self, module: nn.Module, architecture: str, anatomy: Anatomy, loading: Fit) -> None:
        self.module = module
        self.architecture = architecture
        self.loading = replace(loading, remarks=(*loading.remarks, anatomy.remark)) if anatomy.remark else loading
        self._anatomy = anatomy
        self.lock = threading.RLock()  # hooks see every caller of the module, so callers take turns
        self.classifier_name = anatomy.classifier_name
        self.num_neurons = anatomy.num_neurons
        layer = self._classifier
        self.num_classes = None if layer is None else int(layer.out_features)

    @property
    def modality(self) -> str:
        """Return what a sample is: "image", "text" or "text_pair"."""
        raise NotImplementedError

    def prepare(self, sample: Any) -> Any:
        """Prepare one sample for `batch`."""
        raise NotImplementedError

    def batch(self, prepared: Sequence[Any]) -> B:
        """Combine B prepared samples into the input of the network."""
        raise NotImplementedError

    def input_settings(self) -> dict[str, Any]:
        """Return the settings that turn a sample into the network's input; JSON-able."""
        raise NotImplementedError

    @property
    def _classifier(self) -> nn.Linear | None:
        if self.classifier_name is None:
            return None
        layer = self.module.get_submodule(self.classifier_name)
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    def to(self, device: str | torch.device) -> Self:
        self.module.to(device)
        return self

    def logits(self, batch: B) -> torch.Tensor:
        """Return the network's own output: [B, C], or [B, M] without a head, on the model's device."""
        with torch.inference_mode():
            return run(self.module, self._moved(batch))

    def logits_with_gradient(self, batch: B) -> torch.Tensor:
        """Return the output [B, C] of the last layer for training; whatever follows that layer is skipped.

        Raises:
            InputError: when the network has no last layer.
        """
        if self.classifier_name is None:
            raise InputError(f'"{self.architecture}" has no last layer, so it gives no logits.')
        with self._capture(Tap(self.classifier_name, "output", "vector")) as captured:
            run(self.module, self._moved(batch))
        return captured[0]

    def embed(self, batch: B) -> torch.Tensor:
        """Embed a batch of B samples: [B, M] float32 on the model's device."""
        with torch.inference_mode():
            return self.embed_with_gradient(batch)

    def embed_with_gradient(self, batch: B) -> torch.Tensor:
        """Embed a batch as `embed` does, with gradients."""
        if self.classifier_name is None:
            return run(self.module, self._moved(batch))
        with self._capture(Tap(self.classifier_name, "input", "vector")) as captured:
            run(self.module, self._moved(batch))
        return captured[0]

    def renew_head(self, num_classes: int, seed: int) -> None:
        """Replace the network's last layer by a freshly initialized one with ``num_classes`` outputs."""
        layer = self._classifier
        assert layer is not None
        with seeded(seed):
            fresh = nn.Linear(layer.in_features, num_classes, bias=layer.bias is not None)
        self.module.set_submodule(str(self.classifier_name), fresh.to(layer.weight).requires_grad_(False))
        self.num_classes = num_classes

    def split_logit(self) -> None:
        """Replace a last layer with one logit z by one with two, -z/2 and z/2: the second is higher where z > 0.

        Raises:
            InputError: when the network has another number of logits.
        """
        layer = self._classifier
        if layer is None or layer.out_features != 1:
            raise InputError(f'"{self.architecture}" has no last layer with one output, so none becomes two.')
        pair = nn.Linear(layer.in_features, 2)
        weight = layer.weight.detach()
        bias = torch.zeros(1) if layer.bias is None else layer.bias.detach()
        pair.weight.data = torch.cat([-weight, weight]) / 2
        pair.bias.data = torch.cat([-bias, bias]) / 2
        self.module.set_submodule(str(self.classifier_name), pair.to(layer.weight).requires_grad_(False))
        self.num_classes = 2

    def head(self) -> LinearHead | None:
        """Return the network's own last layer; None when it has none or that layer was never trained."""
        layer = self._classifier
        if layer is None or not self.loading.trained_head:
            return None
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
        """Return a copy of the network's weights in which ``head`` replaces the last layer.

        Raises:
            InputError: when the network has no last layer, the head has other sizes, or only the head has a bias.
        """
        layer = self._classifier
        if layer is None or self.num_classes is None:
            raise InputError(
                f'"{self.architecture}" has no last layer to replace; load it with "num_classes": {head.num_classes}.'
            )
        head.check_fits(self.num_neurons, self.num_classes)
        state = {name: tensor.detach().cpu().clone() for name, tensor in self.module.state_dict().items()}
        replacement = {"weight": head.weight, "bias": head.bias}
        if layer.bias is None:
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
        """Return the first 16 hexadecimal digits of the SHA-256 of architecture and weights."""
        digest = hashlib.sha256(self.architecture.encode())
        for name, tensor in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()[:16]

    def _moved(self, batch: B) -> B:
        if isinstance(batch, Mapping):
            return {name: tensor.to(self.device) for name, tensor in batch.items()}
        return batch.to(self.device)

    @contextmanager
    def _capture(self, tap: Tap) -> Iterator[list[torch.Tensor]]:
        """Collect the tensors at ``tap``; of a layer that is called more than once, only those of the last call."""
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


class ImageModel(Network[torch.Tensor]):
    """A `Network` that reads images, in batches [B, 3, H, W].

    Attributes:
        preprocessing: how an image becomes the network's input.
        preprocessing_from: the source of the preprocessing, such as ``"preprocessor_config.json"``; empty where it is
            merely the usual one of the architecture.

    Raises:
        InputError: when the network does not end in one linear layer.
    """

    def __init__(
        self,
        module: nn.Module,
        architecture: str,
        preprocessing: Preprocessing,
        *,
        preprocessing_from: str = "",
        loading: Fit = Fit(),
        use_last_linear: bool = False,
    ) -> None:
        self.preprocessing, self.preprocessing_from = preprocessing, preprocessing_from
        module = module.eval().requires_grad_(False)
        options = {"headless": loading.headless, "use_last_linear": use_last_linear}
        anatomy = dissect(module, preprocessing.image_size, architecture, **options)
        super().__init__(module, architecture, anatomy, loading)

    @property
    def modality(self) -> str:
        return "image"

    def prepare(self, sample: Image.Image) -> np.ndarray:
        """Turn an RGB image into [3, H, W] float32."""
        return self.preprocessing(sample)

    def batch(self, prepared: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(prepared))

    def input_settings(self) -> dict[str, Any]:
        return self.preprocessing.described()

    def channel_maps(self, batch: torch.Tensor) -> torch.Tensor | None:
        """Compute the maps [B, M, h, w] whose mean over h and w is the embedding; None where the network has none.

        Args:
            batch: [B, 3, H, W], preprocessed.
        """
        if self._anatomy.channel_maps is None:
            return None
        with torch.inference_mode(), self._capture(self._anatomy.channel_maps) as captured:
            run(self.module, batch.to(self.device))
        return self._anatomy.channel_maps.spatial(captured[0], self._anatomy.grid)

    def heatmap_layer(self) -> nn.Module:
        """Return the last layer whose output is still spatial.

        Raises:
            InputError: when the network has no such layer.
        """
        return self.module.get_submodule(self.heatmap_tap().module)

    def heatmap_tap(self) -> Tap:
        """Return the name of `heatmap_layer`, the side to read and the layout there.

        Raises:
            InputError: when the network has no such layer.
        """
        tap = self._anatomy.channel_maps or self._anatomy.heatmap
        if tap is None:
            raise InputError(
                f'"{self.architecture}" has no layer with a map over the image, so no heatmap can be drawn.'
            )
        return tap

    @property
    def grid(self) -> tuple[int, int]:
        """Return (rows, columns) of a token model's patches; (0, 0) for other networks."""
        return self._anatomy.grid
