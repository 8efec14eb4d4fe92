"""Networks of the index: built, saved, recognized from the weights alone; the head on the embedding is the network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neurontune_core.errors import InputError
from neurontune_core.models import load_model
from neurontune_core.models.detect import guess_model
from neurontune_core.models.known_networks import NetworkName, read_index

EVERY = sorted({NetworkName(*name) for names in read_index()["networks"].values() for name in names})
SAMPLE = [
    NetworkName("timm", "cs3darknet_m"),
    NetworkName("timm", "fastvit_t8"),
    NetworkName("timm", "lcnetv2_small"),
    NetworkName("timm", "levit_128s"),
    NetworkName("timm", "tinynet_c"),
    NetworkName("timm", "dla34"),  # ends in a convolution
    NetworkName("timm", "eva02_tiny_patch14_224"),
    NetworkName("torchvision", "mnasnet0_5"),
    NetworkName("torchvision", "shufflenet_v2_x0_5"),
    NetworkName("cifar_resnet", "resnet20"),
]


def check(tmp_path: Path, network: NetworkName) -> str:
    """Return "right", or the sentence with which the network is refused, which then must be one on its last layer."""
    spec = {"family": network.family, "architecture": network.architecture, "weights": "random", "num_classes": 2}
    refusal = ""
    try:
        model = load_model(spec, ".")
    except InputError as error:
        refusal = str(error)
    if refusal:
        assert "linear layer" in refusal or "cannot read images" in refusal
        return refusal
    state = model.module.state_dict()
    torch.save(state, tmp_path / "model.pth")
    guess = guess_model(tmp_path / "model.pth")
    equals = {(guess.spec["family"], guess.spec["architecture"]), *guess.alternatives}
    same = network.architecture.removeprefix("tv_") == guess.spec["architecture"]
    assert tuple(network) in equals or same, guess.description
    again = load_model(guess.spec, ".") if same else load_model(spec | {"weights": str(tmp_path / "model.pth")}, ".")
    side = again.preprocessing.image_size
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    head = again.head()
    assert head is not None
    theirs = again.logits(images).numpy()
    torch.testing.assert_close(
        torch.from_numpy(head.logits(again.embed(images).numpy())), torch.from_numpy(theirs), atol=1e-4, rtol=1e-4
    )
    return "right"


@pytest.mark.long
@pytest.mark.parametrize("network", SAMPLE, ids=str)
def test_a_network_is_recognized_and_its_head_on_its_embedding_is_it(tmp_path: Path, network: NetworkName) -> None:
    check(tmp_path, network)


@pytest.mark.slow(reason="a sample of the index is built and recognized")
@pytest.mark.parametrize("network", [name for name in EVERY if name not in SAMPLE], ids=str)
def test_every_network_is_recognized_and_its_head_on_its_embedding_is_it(tmp_path: Path, network: NetworkName) -> None:
    check(tmp_path, network)
