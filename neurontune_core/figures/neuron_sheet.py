"""A sheet of the most and least biased neurons of a class (Figures 3 to 6): PNG, SVG or PDF, drawn by matplotlib."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.figures.base import CORRECT, GRAY, INCORRECT

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

    from neurontune_core.identification.distributions import Distribution

KINDS = ("png", "svg", "pdf")
_ROW, _CHART, _SAMPLE = 1.3, 2.3, 1.15  # inches: height of a picture, width of its chart and of each sample
_HEAD, _GAP = 0.85, 0.45  # inches: above the first neuron, between two
_LINE, _LINES = 22, 9  # characters of a line and lines of a text


class _Sample(Protocol):
    @property
    def correct(self) -> bool: ...
    @property
    def picture(self) -> bytes | None: ...
    @property
    def heatmap(self) -> bytes | None: ...
    @property
    def text(self) -> str: ...


class _Neuron(Protocol):
    @property
    def neuron(self) -> int: ...
    @property
    def score(self) -> float: ...
    @property
    def distribution(self) -> Distribution: ...
    @property
    def samples(self) -> Sequence[_Sample]: ...


def neuron_sheet(title: str, unbiased: Sequence[_Neuron], biased: Sequence[_Neuron]) -> Sheet:
    """Draw a row a neuron: its activations on correct and misclassified samples with medians, then its samples.

    Unbiased neurons are on the left, biased ones on the right, as in the paper. A sample's frame has the color of its
    outcome; under a picture is the same with the heatmap.

    Args:
        title: of the sheet.
        unbiased, biased: the neurons of both kinds.
    """
    from matplotlib.figure import Figure as Sheet

    rows = max(len(unbiased), len(biased), 1)
    most = max((len(each.samples) for each in (*unbiased, *biased)), default=0)
    mapped = any(sample.heatmap for each in (*unbiased, *biased) for sample in each.samples)
    height = rows * (_ROW * (2 if mapped else 1) + _GAP) + _HEAD
    sheet = Sheet(figsize=(2 * (_CHART + most * _SAMPLE) + 0.6, height), dpi=150)
    sheet.suptitle(title, fontsize=11, x=0.01, y=1 - 0.1 / height, ha="left", va="top")
    halves: Any = sheet.subfigures(1, 2, wspace=0.02)
    for half, name, neurons in zip(halves, ("unbiased", "biased"), (unbiased, biased), strict=True):
        half.text(0.02, 1 - 0.42 / height, f"{name} neurons", fontsize=9, weight="bold", color=GRAY, va="top")
        _half(half, neurons, rows, most, mapped, 1 - _HEAD / height)
    return sheet


def save_sheet(sheet: Sheet, path: Path) -> None:
    """Write a sheet as PNG, SVG or PDF, by the ending of the file.

    Raises:
        InputError: for another ending.
    """
    from neurontune_core.files import write_whole

    content = sheet_bytes(sheet, path.suffix.lower().lstrip("."))
    write_whole(path, lambda place: place.write_bytes(content))


def sheet_bytes(sheet: Sheet, kind: str) -> bytes:
    """Return a sheet as the content of a file.

    Args:
        sheet: from `neuron_sheet`.
        kind: of `KINDS`.

    Raises:
        InputError: for another kind.
    """
    if kind not in KINDS:
        raise InputError(f'A figure cannot be written as "{kind}"; end the file with .{", .".join(KINDS)}.')
    buffer = io.BytesIO()
    sheet.savefig(buffer, format=kind)
    return buffer.getvalue()


def _half(half: Any, neurons: Sequence[_Neuron], rows: int, samples: int, mapped: bool, top: float) -> None:
    grid = half.add_gridspec(
        rows, samples + 1, width_ratios=[_CHART, *[_SAMPLE] * samples], left=0.09, right=0.995, top=top, bottom=0.06,
        wspace=0.08, hspace=_GAP / _ROW / (2 if mapped else 1),
    )  # fmt: skip
    for place, shown in enumerate(neurons):
        _chart(half.add_subplot(grid[place, 0]), shown)
        for column, sample in enumerate(shown.samples):
            cell = grid[place, column + 1].subgridspec(2 if mapped else 1, 1, hspace=0.06)
            for line in range(2 if mapped else 1):
                _sample(half.add_subplot(cell[line, 0]), sample, line == 1)


def _chart(axes: Any, shown: _Neuron) -> None:
    each = shown.distribution
    outcomes = (
        (each.correct, each.median_correct, CORRECT, "correct"),
        (each.incorrect, each.median_incorrect, INCORRECT, "misclassified"),
    )
    for share, median, color, name in outcomes:
        axes.stairs(100 * share, each.edges, fill=True, color=color, alpha=0.35, label=name)
        if not np.isnan(median):
            axes.axvline(median, color=color, linewidth=1.5, linestyle="-" if name == "correct" else ":")
    axes.set_title(f"neuron {shown.neuron}, score {shown.score:+.3f}", fontsize=7, loc="left")
    axes.tick_params(labelsize=6)
    axes.set_ylabel("% of samples", fontsize=6)
    axes.legend(fontsize=5, frameon=False)


def _sample(axes: Any, sample: _Sample, mapped: bool) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(CORRECT if sample.correct else INCORRECT)
        spine.set_linewidth(1.5)
    if sample.picture is not None:
        axes.imshow(_pixels(sample.picture))
        if mapped and sample.heatmap is not None:
            axes.imshow(_pixels(sample.heatmap), alpha=0.75)
    elif not mapped:
        short = textwrap.wrap(sample.text, _LINE)[:_LINES]
        axes.text(0.04, 0.96, "\n".join(short), fontsize=4.5, va="top", transform=axes.transAxes, parse_math=False)


def _pixels(content: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))
