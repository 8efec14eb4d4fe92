"""The head that is taken from a network."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from neurontune_core.models.base import ImageModel
from neurontune_core.models.preprocessing import Preprocessing


def test_a_last_layer_without_a_bias_gives_a_head_whose_bias_is_zero() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        module = nn.Sequential(*body, nn.Linear(8, 3, bias=False))
        images = torch.randn(4, 3, 16, 16)
    model = ImageModel(module, "tiny", Preprocessing(image_size=16, resize=16))
    head = model.head()
    assert head is not None
    assert head.bias.tolist() == [0, 0, 0]
    with torch.inference_mode():
        logits = module(images).numpy()
    np.testing.assert_allclose(head.logits(model.embed(images).numpy()), logits, atol=1e-5)
