"""Every random number of a training follows from its seed and a place (an epoch, a sample), never from what went
before: so an epoch comes out the same whether the process was restarted before it or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derived(seed: int, *place: int) -> int:
    """Return a seed of its own for each place."""
    return int(np.random.SeedSequence([seed, *place]).generate_state(1, np.uint64)[0] >> 1)


@contextmanager
def seeded_everywhere(seed: int, device: torch.device) -> Iterator[None]:
    """Start torch's generators, of the CPU and of ``device``, from ``seed``, and restore them afterwards."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.manual_seed(seed)
        yield
