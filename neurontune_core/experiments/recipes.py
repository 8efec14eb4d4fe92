"""What the paper does on each dataset: network, start, and NeuronTune's settings. Training is in `training.config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from neurontune_core.baselines.registry import METHODS
from neurontune_core.errors import InputError
from neurontune_core.experiments.published import published
from neurontune_core.experiments.recipe_settings import SETTINGS
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.published_presets import TABLE_10


@dataclass(frozen=True)
class Recipe:
    """What the paper does on one dataset.

    Attributes:
        key: of the dataset, in `published.DATASETS`; also its preset of training and its format.
        family, architecture: the network.
        start: what its weights are, for the sentence that asks for them.
        tune: NeuronTune's settings (Table 10).
        settings: by key of the other methods, what differs from their defaults.
    """

    key: str
    family: str
    architecture: str
    start: str
    tune: TuneConfig
    settings: Mapping[str, Mapping[str, Any]]

    @property
    def methods(self) -> tuple[str, ...]:
        """Return the methods that run on cached embeddings and have a published number."""
        return tuple(key for key in METHODS if published(key, self.key))


_RESNET = "torchvision's ImageNet weights, as a file"
_BERT = "the folder of bert-base-uncased, with its tokenizer"
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.key: recipe
        for recipe in (
            Recipe(key, *network, TABLE_10[key].config, SETTINGS[key])
            for key, network in {
                "waterbirds": ("torchvision", "resnet50", _RESNET),
                "celeba": ("torchvision", "resnet50", _RESNET),
                "imagenet9": ("torchvision", "resnet18", _RESNET),
                "multinli": ("huggingface_text", "", _BERT),
                "civilcomments": ("huggingface_text", "", _BERT),
            }.items()
        )
    }
)


def recipe_for(dataset: str) -> Recipe:
    """Return the recipe of a dataset.

    Raises:
        InputError: naming the datasets that have one, when this one has none.

    >>> recipe_for("waterbirds").architecture
    'resnet50'
    """
    if dataset not in RECIPES:
        raise InputError(f'There is no recipe for "{dataset}"; use one of {", ".join(RECIPES)}.')
    return RECIPES[dataset]
