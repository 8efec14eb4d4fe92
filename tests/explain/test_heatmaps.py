"""Heatmaps and the images made of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from PIL import Image
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.explain.heatmaps import heatmaps
from neurontune_core.explain.overlay import COLOR_MAPS, overlay_png, thumbnail_jpeg
from neurontune_core.models import load_model
from neurontune_core.models.base import ImageModel
from neurontune_core.models.preprocessing import Preprocessing


def random_model(family: str, architecture: str, **spec: object) -> ImageModel:
    return load_model({"family": family, "architecture": architecture, "weights": "random", **spec}, ".")


def noise(model: ImageModel, count: int = 2) -> torch.Tensor:
    size = model.preprocessing.image_size
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(("family", "architecture"), [("torchvision", "resnet18"), ("timm", "resnet10t")])
def test_the_channel_is_captums_grad_cam_up_to_the_size_of_the_map(family: str, architecture: str) -> None:
    model = random_model(family, architecture)
    batch = noise(model)
    theirs = LayerGradCam(model.embed_with_gradient, model.heatmap_layer())
    alive = model.embed(batch).sum(dim=0).argsort(descending=True)[:3].tolist()  # random networks have dead neurons
    for neuron in alive:
        ours = heatmaps(model, batch, neuron)
        expected = theirs.attribute(batch, target=neuron, relu_attributions=True)[:, 0].detach().numpy()
        scale = ours.shape[1] * ours.shape[2]  # the gradient of a mean over h and w is 1 / (h * w)
        np.testing.assert_allclose(ours / scale, expected, atol=1e-5)
        assert ours.max() > 0


def test_the_mean_of_the_map_is_the_activation() -> None:
    model = random_model("efficientnet_lite", "efficientnet_lite0", image_size=96)
    batch = noise(model)
    np.testing.assert_allclose(heatmaps(model, batch, 5).mean(axis=(1, 2)), model.embed(batch)[:, 5].numpy(), atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize(
    ("family", "architecture"),
    [("torchvision", "mobilenet_v3_small"), ("torchvision", "convnext_tiny"), ("timm", "vit_tiny_patch16_224")],
)
def test_other_networks_give_maps_that_are_finite_and_not_negative(family: str, architecture: str) -> None:
    model = random_model(family, architecture)
    batch = noise(model)
    maps = np.stack([heatmaps(model, batch, neuron) for neuron in range(4)])
    assert maps.dtype == np.float32
    assert maps.shape[2:] == ((14, 14) if "vit" in architecture else (7, 7))
    assert np.isfinite(maps).all()
    assert maps.min() >= 0
    assert maps.max() > 0


def patch_detector(head: nn.Module) -> ImageModel:
    """Build a network whose neuron 0 is on where an 8 x 8 block is bright; neuron 1 where it is dark."""
    conv = nn.Conv2d(3, 2, 8, stride=8)
    with torch.no_grad():
        conv.weight[0], conv.weight[1] = 1 / 192, -1 / 192
        conv.bias.copy_(torch.tensor([-0.5, -0.5]))
    module = nn.Sequential(conv, nn.ReLU(), *head)
    return ImageModel(module, "patches", Preprocessing(image_size=64, resize=64))


POOLED = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)]


def squared() -> list[nn.Module]:
    """Return a head that is not linear in the map, so that the gradient has to be taken."""
    hidden = nn.Linear(2, 2)
    with torch.no_grad():
        hidden.weight.copy_(torch.eye(2) * 3)
        hidden.bias.zero_()
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), hidden, nn.Softplus(), nn.Linear(2, 2)]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("corner", [(0, 0), (40, 16), (48, 48)])
def test_a_neuron_that_looks_at_a_patch_lights_up_there(exact: bool, corner: tuple[int, int]) -> None:
    model = patch_detector(nn.ModuleList(POOLED if exact else squared()))  # type: ignore[arg-type]
    assert (model.channel_maps(torch.zeros(1, 3, 64, 64)) is not None) == exact
    top, left = corner
    image = torch.zeros(1, 3, 64, 64)
    image[:, :, top : top + 16, left : left + 16] = 1
    heat = heatmaps(model, image, 0)[0]
    inside = heat[top // 8 : top // 8 + 2, left // 8 : left // 8 + 2]
    assert inside.sum() >= 0.8 * heat.sum() > 0
    alpha = decoded(overlay_png(heat, float(heat.max()), 64))[..., 3].astype(float)
    assert alpha[top : top + 16, left : left + 16].sum() >= 0.6 * alpha.sum()  # smooth upsampling spreads a little
    assert alpha[top + 8, left + 8] == 255


def test_a_patch_planted_in_a_transformer_is_found() -> None:
    """Check the one patch that is unlike all others: the class token attends to it alone."""
    model = random_model("timm", "vit_tiny_patch16_224")
    image = torch.zeros(1, 3, 224, 224)
    image[:, :, 64:80, 96:112] = 3 * torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    attention = model.module.blocks[-1].attn
    key = []
    handle = model.module.blocks[-1].norm1.register_forward_hook(lambda _, __, out: key.append(out))
    model.embed(image)
    handle.remove()
    planted = key[0][0, 1 + 4 * 14 + 6] - key[0][0, 1:].mean(dim=0)
    width = model.num_neurons
    with torch.no_grad():  # every head's query is a constant, its key the likeness to the planted patch
        attention.qkv.weight[:width] = 0
        attention.qkv.bias[:width] = 1
        attention.qkv.weight[width : 2 * width] = 0.5 * planted / planted.norm()
    shares = []
    for neuron in range(8):
        heat = heatmaps(model, image, neuron)[0]
        if heat.sum() > 0:
            shares.append(heat[4, 6] / heat.sum())
    assert np.median(shares) >= 0.8


@pytest.mark.parametrize("pooled", [True, False])
def test_where_an_image_speaks_against_a_neuron_the_map_is_zero(pooled: bool) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = nn.Conv2d(3, 4, 1)  # without a ReLU, so that channels are negative in places
        end = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if pooled else [nn.Flatten(), nn.Linear(4 * 8 * 8, 4)]
        module = nn.Sequential(body, *end, nn.Linear(4, 2))
        images = torch.randn(2, 3, 8, 8)
    maps = heatmaps(ImageModel(module, "tiny", Preprocessing(image_size=8, resize=8)), images, 1)
    channels = torch.nn.functional.conv2d(images, body.weight, body.bias).detach()
    if pooled:
        expected = channels[:, 1]
    else:  # Grad-CAM: channels weighted by their mean gradient, here that of a linear layer
        mean = end[1].weight[1].reshape(4, 64).mean(dim=1).detach()  # type: ignore[operator,union-attr,index]
        expected = (channels * mean[:, None, None]).sum(dim=1)
    assert (expected < 0).any()
    assert (expected > 0).any()
    with torch.inference_mode():
        activation = module[:-1](images)[:, 1].numpy()  # of the neuron, on each image
    speaks_for = expected.numpy() * np.sign(activation)[:, None, None]  # what a negative activation comes from
    np.testing.assert_allclose(maps, np.maximum(speaks_for, 0), atol=1e-5)


def test_a_neuron_that_is_not_there_is_refused() -> None:
    model = patch_detector(nn.ModuleList(POOLED))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"no neuron 2; this model has the neurons 0..1"):
        heatmaps(model, torch.zeros(1, 3, 64, 64), 2)


def test_overlays_of_one_neuron_share_their_scale() -> None:
    strong, weak = np.full((4, 4), 2.0), np.full((4, 4), 0.2)
    bright, dim = (decoded(overlay_png(heat, 2.0, 32)) for heat in (strong, weak))
    assert tuple(bright[5, 5]) == (*COLOR_MAPS["inferno"][-1], 255)
    assert dim[5, 5, 3] == round(255 * 0.2)
    assert decoded(overlay_png(np.zeros((4, 4)), 0.0, 32))[..., 3].max() == 0
    assert decoded(overlay_png(strong, 2.0, 32, opacity=0.5))[..., 3].max() == 128


@pytest.mark.parametrize("colors", list(COLOR_MAPS))
def test_a_color_map_grows_lighter_all_the_way(colors: str) -> None:
    lightness = np.array(COLOR_MAPS[colors]) @ np.array([0.2126, 0.7152, 0.0722])
    assert np.all(np.diff(lightness) > 0)


def test_a_thumbnail_is_the_crop_that_the_network_sees() -> None:
    preprocessing = Preprocessing(image_size=64, resize=96)
    picture = Image.new("RGB", (192, 96), "red")
    picture.paste("blue", (64, 16, 64 + 32, 16 + 64))  # left half of the center crop
    shown = decoded(thumbnail_jpeg(picture, preprocessing, 128)).astype(int)
    assert shown.shape == (128, 128, 3)
    assert np.all(shown[:, :56, 2] > 200)
    assert np.all(shown[:, 72:, 0] > 200)


def test_thumbnails_are_upright_and_bounded() -> None:
    sideways = Image.new("RGB", (40, 20), "red")
    sideways.paste("blue", (0, 0, 20, 20))  # the left half becomes the upper half
    exif = sideways.getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    sideways.save(buffer, "JPEG", exif=exif, quality=95)
    shown = decoded(thumbnail_jpeg(Image.open(buffer), Preprocessing(20, 20, "squash"), 40)).astype(int)
    assert shown[5, 20, 2] > 150 > shown[35, 20, 2]
    assert decoded(thumbnail_jpeg(sideways, None, 10**6)).shape == (1024, 1024, 3)


@pytest.mark.parametrize("architecture", ["convnext_tiny", "swin_t"])
def test_a_neuron_that_fires_negatively_has_a_map_of_where_it_does(architecture: str) -> None:
    spec = {"family": "torchvision", "architecture": architecture, "weights": "random", "image_size": 64}
    model = load_model(spec | {"num_classes": 2}, ".")
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    embedding = model.embed(images).numpy()
    neuron = int(embedding.max(axis=0).argmin())
    assert (embedding[:, neuron] < 0).all()  # on every image
    maps = heatmaps(model, images, neuron)
    assert (maps.max(axis=(1, 2)) > 0).all()
    whole = model.channel_maps(images)
    if whole is not None:  # the embedding is the mean of the map
        own = whole[:, neuron].numpy()
        np.testing.assert_allclose(maps, np.maximum(-own, 0), atol=1e-6)
        np.testing.assert_allclose(own.mean(axis=(1, 2)), embedding[:, neuron], atol=1e-3)
