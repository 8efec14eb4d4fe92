"""What the other methods of the tables ran with on each dataset, as their papers and public code have it.

Only what differs from a method's defaults stands here. AFR and SELF choose by worst group on validation, as their
published figures do; AFR re-weights the fifth of the training set that its head was not fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from neurontune_core.baselines.base import BY_GROUP

_AFR = {"select": BY_GROUP, "held_back": 0.2}
_SELF = {"select": BY_GROUP}
_SELF_TEXT = _SELF | {"learning_rates": (1e-6, 1e-5, 1e-4), "batches": 500, "batch_size": 16}


def _grid(values: np.ndarray) -> tuple[float, ...]:
    return tuple(values.round(6).tolist())


SETTINGS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "waterbirds": {
            "afr": _AFR | {"gammas": _grid(np.linspace(4, 20, 33)), "penalties": (0.0, 0.1, 0.2, 0.3)},
            "self": _SELF,
            "george": {"adjustment": 2.0},
        },
        "celeba": {
            "afr": _AFR
            | {"gammas": _grid(np.linspace(1, 3, 10)), "penalties": (1e-3, 1e-2, 1e-1)}
            | {"learning_rate": 2e-2, "steps": 1000},
            "self": _SELF,
            "george": {"adjustment": 3.0},
        },
        "imagenet9": {
            "lwbc": {"learning_rate": 1e-4, "epochs": 95, "batches": 426, "hidden": 256},
        },
        "multinli": {
            "afr": _AFR
            | {"gammas": _grid(np.geomspace(1e2, 1e5, 10)), "penalties": _grid(np.linspace(0, 50, 26)), "steps": 200},
            "self": _SELF_TEXT,
        },
        "civilcomments": {
            "afr": _AFR | {"gammas": (0.0, *_grid(np.geomspace(1e-3, 1e2, 6))), "steps": 50},
            "self": _SELF_TEXT,
        },
    }
)
