"""A neuron that looks for a bright patch lights up that patch, in every family of image networks.

The networks are the families' own, with weights set by hand: the first layer measures brightness, and what follows
passes it on. Channels 2 and 3 are constant, so that normalizations do not blow up the noise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurontune_core.explain.heatmaps import heatmaps
from neurontune_core.models import load_model
from neurontune_core.models.base import ImageModel
from neurontune_core.models.preprocessing import Preprocessing
from tests.support.tiny_huggingface import image_folder


def picture(size: int, top: int, left: int, side: int) -> torch.Tensor:
    """Make faint noise, a bright patch, and three that the neuron is to ignore: a dark one, a red and a green one."""
    image = 0.05 * torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    half = size // 2
    colors = {(half, 0): (2, 2, 2), (0, 0): (-1, -1, -1), (0, half): (4, -2, -2), (half, half): (-2, 4, -2)}
    for (row, column), color in colors.items():
        rows, columns = slice(row + top, row + top + side), slice(column + left, column + left + side)
        image[0, :, rows, columns] += torch.tensor(color).view(3, 1, 1)
    return image


def share_inside(model: ImageModel, neuron: int, top: int, left: int, side: int) -> float:
    """Return the share of the heat in the cells whose centers lie in the bright patch."""
    size = model.preprocessing.image_size
    heat = heatmaps(model, picture(size, top, left, side), neuron)[0]
    assert heat.sum() > 0
    rows, columns = ((np.arange(count) + 0.5) * size / count for count in heat.shape)
    top += size // 2
    inside = np.outer((rows >= top) & (rows < top + side), (columns >= left) & (columns < left + side))
    assert 0 < inside.sum() <= inside.size / 4
    return float(heat[inside].sum() / heat.sum())


def measure_brightness(conv: nn.Conv2d) -> None:
    """Set channels 0 and 1: brightness and its negative; 2 and 3: constant; the others: nothing."""
    nn.init.zeros_(conv.weight)
    conv.weight.data[0], conv.weight.data[1] = 1 / conv.weight[0].numel(), -1 / conv.weight[0].numel()
    if conv.bias is not None:
        conv.bias.data[:] = torch.tensor([0.0, 0, 5, -5] + [0] * (len(conv.bias) - 4))


def keep(weight: torch.Tensor, group: int) -> None:
    """Return a linear layer over groups of channels that averages the first four of each group."""
    nn.init.zeros_(weight)
    groups = weight.shape[1] // group
    for channel in range(4):
        weight.data[channel, channel::group] = 1 / groups


def mask_out(*layers: nn.Module) -> None:
    """Mask the last layer of a residual branch, so that the branch adds nothing."""
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)


def named(module: nn.Module, ending: str) -> list[nn.Module]:
    return [layer for name, layer in module.named_modules() if name.endswith(ending)]


def small_huggingface(tmp_path: Path, kind: str) -> ImageModel:
    folder = image_folder(tmp_path / kind, kind)
    model = load_model({"family": "huggingface_image", "weights": str(folder)}, ".")
    for layer in model.module.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.reset_parameters()
    return model


def cifar_resnet(tmp_path: Path) -> tuple[ImageModel, int]:
    model = load_model({"family": "cifar_resnet", "architecture": "resnet20", "weights": "random"}, tmp_path)
    nn.init.zeros_(model.module.conv1.weight)
    model.module.conv1.weight.data[0, :, 1, 1] = 1.0
    mask_out(*named(model.module, "bn2"))
    return model, 24  # the zeros of two shortcuts come before channel 0


def convnext(tmp_path: Path) -> tuple[ImageModel, int]:
    model = small_huggingface(tmp_path, "convnext")
    measure_brightness(named(model.module, "patch_embeddings")[0])
    for block in named(model.module, "layers.0"):
        nn.init.zeros_(block.layer_scale_parameter)
    (down,) = named(model.module, "downsampling_layer.1")
    nn.init.zeros_(down.weight)
    nn.init.zeros_(down.bias)
    for channel in range(4):
        down.weight.data[channel, channel] = 1 / 4
    return model, 0


def swin(tmp_path: Path) -> tuple[ImageModel, int]:
    model = small_huggingface(tmp_path, "swin")
    measure_brightness(named(model.module, "projection")[0])
    mask_out(*named(model.module, "o_proj"), *named(model.module, "fc2"))
    for merging in named(model.module, "reduction"):
        keep(merging.weight, merging.weight.shape[1] // 4)
    return model, 0


def vit(tmp_path: Path) -> tuple[ImageModel, int]:
    """Build a network whose class token's one attention looks for bright keys, and carries their brightness to
    channel 5."""
    model = small_huggingface(tmp_path, "vit")
    network = model.module
    measure_brightness(named(network, "projection")[0])
    nn.init.zeros_(network.vit.embeddings.position_embeddings)
    nn.init.zeros_(network.vit.embeddings.cls_token)
    network.vit.embeddings.cls_token.data[..., 2:4] = torch.tensor([50.0, -50.0])
    mask_out(*named(network, "o_proj"), *named(network, "fc2"))
    attention = network.vit.layers[-1].attention
    mask_out(attention.q_proj, attention.k_proj, attention.v_proj)
    nn.init.constant_(attention.q_proj.bias, 3.0)
    attention.k_proj.weight.data[:, 0] = 1.0
    attention.v_proj.weight.data[:, 0] = 1.0
    attention.o_proj.weight.data[5] = 1.0
    return model, 5


def clip(tmp_path: Path) -> tuple[ImageModel, int]:
    """Build CLIP: it has a class token, but its classifier reads the mean of the patches; its first layer has no
    bias."""
    model = small_huggingface(tmp_path, "clip")
    measure_brightness(named(model.module, "patch_embedding")[0])
    for embedding in named(model.module, "position_embedding"):
        nn.init.zeros_(embedding.weight)
        embedding.weight.data[:, 2:4] = torch.tensor([5.0, -5.0])
    mask_out(*named(model.module, "out_proj"), *named(model.module, "fc2"))
    return model, 0


def mean_pooled_vit(norm_first: bool) -> tuple[ImageModel, int]:
    """Build timm's, without a class token; the mean is taken of normalized tokens, or normalized itself."""
    from timm.models.vision_transformer import VisionTransformer

    torch.manual_seed(0)
    options = {"class_token": False, "global_pool": "avg", "fc_norm": not norm_first, "num_classes": 3}
    module = VisionTransformer(img_size=32, patch_size=8, embed_dim=16, depth=2, num_heads=2, **options)
    measure_brightness(module.patch_embed.proj)
    nn.init.zeros_(module.pos_embed)
    mask_out(*named(module, "attn.proj"), *named(module, "fc2"))
    return ImageModel(module, "vit", Preprocessing(image_size=32, resize=32)), 0


NETWORKS = {
    "ResNet": cifar_resnet,
    "ConvNeXt": convnext,
    "Swin": swin,
    "ViT": vit,
    "CLIP": clip,
    "ViT, mean of normalized tokens": lambda _: mean_pooled_vit(True),
    "ViT, normalized mean of tokens": lambda _: mean_pooled_vit(False),
}


@pytest.mark.parametrize("family", NETWORKS)
def test_a_planted_patch_takes_four_fifths_of_the_heat(tmp_path: Path, family: str) -> None:
    model, neuron = NETWORKS[family](tmp_path)
    exact = family not in ("ConvNeXt", "ViT", "ViT, normalized mean of tokens")
    assert (model.channel_maps(torch.zeros(1, 3, *[model.preprocessing.image_size] * 2)) is not None) == exact
    side = 16 if model.preprocessing.image_size == 64 else 8
    for top, left in ((0, 0), (side, 0), (side, side)):
        share = share_inside(model, neuron, top, left, side)
        assert share >= 0.8
