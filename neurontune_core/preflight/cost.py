"""What extraction will take: time from a few batches, memory from the largest that this process became meanwhile."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import psutil

from neurontune_core.preflight.report import ExtractionCost, Finding
from neurontune_core.preflight.sample import Answers

_SECONDS_BETWEEN_LOOKS = 0.01
_BYTES = 2  # of a float16 number on disk
LONG = 3600.0  # seconds of extraction from which on a person is warned


class PeakMemory:
    """Measures the growth of this process, or of its GPU: ``with PeakMemory("cpu") as peak: ...``; ``peak.bytes``.

    >>> with PeakMemory("cpu") as peak:
    ...     pass
    >>> peak.bytes >= 0
    True
    """

    def __init__(self, device: str) -> None:
        self.bytes, self._device, self._over = 0, device, threading.Event()

    def __enter__(self) -> PeakMemory:
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
            return self
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._device.startswith("cuda"):
            import torch

            self.bytes = torch.cuda.max_memory_allocated() - self._before
            return
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, self._process.memory_info().rss - self._before)
            if self._over.wait(_SECONDS_BETWEEN_LOOKS):
                return


def estimate(answers: Answers, peak: int, weights: int, device: str, samples: int, neurons: int) -> ExtractionCost:
    """Estimate the cost of the whole extraction.

    Args:
        answers: the timed batches.
        peak, weights: bytes that the batches took, and that the network takes.
        device: a torch device.
        samples: of the whole dataset.
        neurons: M.
    """
    measured, rate = answers.rate
    free = psutil.virtual_memory().available
    if device.startswith("cuda"):
        import torch

        free = torch.cuda.mem_get_info()[0]
    return ExtractionCost(
        device, samples, measured, rate, samples / rate, weights + peak, free, samples * neurons * _BYTES
    )


def judge_cost(cost: ExtractionCost, out: Path) -> list[Finding]:
    """Report what takes too long, or more than there is room for."""
    findings = []
    if cost.seconds > LONG:
        fix = "It goes on in the background and can be stopped and resumed; a GPU, or fewer samples, is faster."
        findings.append(Finding("warning", "cost", f"Extraction will take about {in_words(cost.seconds)}.", fix))
    if cost.memory > cost.free_memory:
        findings.append(
            Finding(
                "warning",
                "cost",
                f"Extraction needs about {size(cost.memory)} of memory, and {size(cost.free_memory)} are free.",
                "Close other programs, or use a machine with more.",
            )
        )
    place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if cost.disk > free:
        sentence = f"The vectors take {size(cost.disk)}, and {place} has {size(free)} free."
        findings.append(Finding("blocker", "cost", sentence, "Make room, or write to another disk."))
    return findings


def in_words(seconds: float) -> str:
    """Format a duration, such as "40 s", "12 min" or "3.5 h".

    >>> in_words(40), in_words(720), in_words(12600)
    ('40 s', '12 min', '3.5 h')
    """
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Format a number of bytes, such as "12 MB" or "1.2 GB".

    >>> size(12e6), size(1.2e9)
    ('12 MB', '1.2 GB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):,.{1 if count < 1e7 else 0}f} MB"


def bytes_of(module: Any) -> int:
    """Return the bytes of a network's weights and buffers.

    >>> import torch
    >>> bytes_of(torch.nn.Linear(3, 2))  # eight numbers of float32
    32
    """
    return sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
