"""Every random number of a training follows from its seed and a place (an epoch, a sample), never from what went
before: so an epoch comes out the same whether the process was restarted before it or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derived(seed: int, *place: int) -> int:
    """Derive a seed of its own for each place, such as an epoch and a sample.

    >>> derived(0, 1, 2) == derived(0, 1, 2), derived(0, 1, 2) == derived(0, 2, 1)
    (True, False)
    """
    return int(np.random.SeedSequence([seed, *place]).generate_state(1, np.uint64)[0] >> 1)


@contextmanager
def seeded_everywhere(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators, on the CPU and on ``device``, in the block, and restore them afterwards.

    >>> with seeded_everywhere(0, torch.device("cpu")):
    ...     first = torch.rand(2)
    >>> with seeded_everywhere(0, torch.device("cpu")):
    ...     torch.equal(torch.rand(2), first)
    True
    """
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.manual_seed(seed)
        yield
