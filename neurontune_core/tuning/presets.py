"""Named settings of NeuronTune: the paper's, and those that vary less from seed to seed."""

from __future__ import annotations

from dataclasses import dataclass

from neurontune_core.errors import InputError
from neurontune_core.tuning.config import TuneConfig


@dataclass(frozen=True)
class Preset:
    """Settings under a name.

    Attributes:
        label: for a screen.
        explanation: what it does, in a sentence.
        config: the settings.
    """

    label: str
    explanation: str
    config: TuneConfig


PRESETS = {
    "paper": Preset(
        "As in the paper",
        "A neuron is masked when its score exceeds λ; the epoch with the highest SFit is kept.",
        TuneConfig(),
    ),
    "robust": Preset(
        "Robust",
        "A neuron is masked when its score exceeds λ by two standard errors, and late epochs are averaged; other "
        "epochs are kept only where their worst class on the identification set is clearly better.",
        TuneConfig(select="robust", stability=2.0),
    ),
}


def preset(name: str) -> TuneConfig:
    """Return the settings of a preset.

    Raises:
        InputError: for a name that is none.

    >>> preset("robust").select, preset("paper") == TuneConfig()
    ('robust', True)
    """
    if name not in PRESETS:
        raise InputError(f'There is no preset "{name}"; use one of {", ".join(PRESETS)}.')
    return PRESETS[name].config
