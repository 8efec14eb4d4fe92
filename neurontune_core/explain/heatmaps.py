"""Where in an image a neuron looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from neurontune_core.models.base import ImageModel


def heatmaps(model: ImageModel, images: torch.Tensor, neuron: int) -> np.ndarray:
    """Compute Grad-CAM (Selvaraju et al., 2017) of one neuron of the embedding.

    Where the embedding is the average of a convolution's channels, the gradient is the same everywhere and Grad-CAM is
    the neuron's own channel: no gradient is taken, the map is in units of the neuron's activation, and of a map without
    negative values the mean is the activation. Other convolutional networks go through captum's LayerGradCam. Networks
    of tokens take gradient times activation of each patch (HiResCAM, Draelos & Carin 2020), because only some tokens
    reach the embedding and a gradient averaged over all of them says little.

    Args:
        images: [B, 3, H, W] float32, preprocessed.
        neuron: 0..M-1.

    Returns:
        [B, h, w] float32, at least 0, at the resolution of the layer: what has the sign of each sample's activation.

    Raises:
        InputError: when there is no such neuron, or the network has no map over the image.
    """
    from neurontune_core.errors import InputError

    if not 0 <= neuron < model.num_neurons:
        raise InputError(f"There is no neuron {neuron}; this model has the neurons 0..{model.num_neurons - 1}.")
    maps = model.channel_maps(images)
    if maps is None:
        relevance = _by_gradient(model, images, neuron)
        activation = model.embed(images)[:, neuron]
    else:
        relevance = maps[:, neuron]
        activation = relevance.mean(dim=(1, 2))
    return in_direction(relevance.float().cpu().numpy(), activation.float().cpu().numpy())


def in_direction(maps: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """Return the part of maps that has the sign of the activation, as magnitudes: where a negative one comes from, too.

    Args:
        maps: [B, h, w].
        activations: [B].

    >>> in_direction(np.array([[[-2.0, 1.0]], [[-2.0, 1.0]]]), np.array([-0.5, 0.5])).tolist()
    [[[2.0, 0.0]], [[0.0, 1.0]]]
    """
    signs = np.where(activations < 0, -1.0, 1.0).astype(maps.dtype).reshape(-1, 1, 1)
    return np.maximum(maps * signs, 0)


def _by_gradient(model: ImageModel, images: torch.Tensor, neuron: int) -> torch.Tensor:
    """Return [B, h, w], before the ReLU."""
    import torch
    from captum.attr import LayerGradCam, LayerGradientXActivation

    tap, layer = model.heatmap_tap(), model.heatmap_layer()
    inputs = images.to(model.device)
    with model.lock, torch.enable_grad():  # captum sets hooks, which would see other callers
        if tap.layout == "tokens":
            tokens = LayerGradientXActivation(model.embed_with_gradient, layer).attribute(inputs, target=neuron)
            return tap.spatial(tokens, model.grid).sum(dim=1).detach()
        return LayerGradCam(model.embed_with_gradient, layer).attribute(inputs, target=neuron)[:, 0].detach()
