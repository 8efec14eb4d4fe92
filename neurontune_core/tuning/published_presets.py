"""NeuronTune's settings on the datasets of the paper (Table 10), as presets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.presets import PRESETS, Preset


def _preset(name: str, config: TuneConfig) -> Preset:
    epochs = f"{config.epochs} epoch{'s' if config.epochs > 1 else ''}"
    return Preset(
        f"Paper: {name}", f"Table 10, {name}: {config.optimizer}, rate {config.learning_rate:g}, {epochs}.", config
    )


TABLE_10: Mapping[str, Preset] = MappingProxyType(
    {
        "waterbirds": _preset("Waterbirds", TuneConfig()),
        "celeba": _preset("CelebA", TuneConfig()),
        "imagenet9": _preset("ImageNet-9", TuneConfig(epochs=1)),
        "multinli": _preset("MultiNLI", TuneConfig(epochs=60, learning_rate=1e-5, optimizer="adamw")),
        "civilcomments": _preset("CivilComments", TuneConfig(epochs=60, optimizer="adamw")),
    }
)
ALL_PRESETS: Mapping[str, Preset] = MappingProxyType(PRESETS | dict(TABLE_10))
