"""A network that the user's own Python builds."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.models.base import ImageModel
from neurontune_core.models.checkpoints import read_checkpoint
from neurontune_core.models.fitting import Fit, check, match, seeded
from neurontune_core.models.preprocessing import Preprocessing


def load(spec: dict[str, Any], base: Path) -> ImageModel:
    """Call ``entry``, ``"module:function"``, without arguments to build a ``torch.nn.Module`` that reads images.

    The module is searched for in ``base``, then in the current folder. ``weights`` names a checkpoint to load into the
    network; without it, the network stays as the function built it. ``num_classes`` 0 declares that it has no head and
    returns an embedding.

    Raises:
        InputError: when the entry does not exist or returns no network, or the weights do not fit it.
    """
    entry, weights = str(spec.get("entry") or ""), spec.get("weights")
    with seeded():
        module = _function(entry, base)()
    if not isinstance(module, nn.Module):
        raise InputError(f'The entry "{entry}" gives a {type(module).__name__}; let it return a torch.nn.Module.')
    headless = spec.get("num_classes") == 0
    fit = Fit()
    if weights not in (None, "random"):
        state, fit = match(read_checkpoint(base / str(weights)), module.state_dict())
        fit = check(fit, state, module, entry)
        module.load_state_dict(state, strict=False)
    fit = replace(fit, headless=headless, trained_head=not headless)
    agreed = bool(spec.get("use_last_linear"))
    return ImageModel(module, entry, Preprocessing().changed(spec), loading=fit, use_last_linear=agreed)


def _function(entry: str, base: Path) -> Any:
    name, _, function = entry.partition(":")
    if not name or not function:
        raise InputError(f'The entry "{entry}" names no function; write "module:function".')
    folders = list(dict.fromkeys(str(folder.resolve()) for folder in (base, Path.cwd())))
    sys.path[:0] = folders
    try:
        return getattr(importlib.import_module(name), function)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f'The entry "{entry}" cannot be found ({error}); its module is looked for in {" and ".join(folders)}.'
        ) from None
    finally:
        for folder in folders:
            sys.path.remove(folder)
