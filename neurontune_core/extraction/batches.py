"""Samples of a dataset as batches that a network reads, with what cannot be read set apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from neurontune_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import Network

_GPU_WORKERS = 8

Prepare = Callable[[int, Any], Any]


class Batch(NamedTuple):
    """A batch of samples.

    Attributes:
        inputs: what the network reads; None where no sample could be read.
        rows: the row of each sample.
        failures: (row, reason) of each sample that could not be read.
    """

    inputs: Any
    rows: list[int]
    failures: list[tuple[int, str]]


def batches(
    model: Network[Any],
    dataset: Dataset,
    rows: pd.DataFrame,
    order: Sequence[int],
    batch_size: int,
    prepare: Prepare | None = None,
) -> Iterator[Batch]:
    """Yield the samples at the positions ``order`` of ``rows``, ``batch_size`` at a time.

    Args:
        model: prepares and collates the samples.
        dataset: the dataset of the samples.
        rows: rows of ``dataset.samples``.
        order: positions in ``rows``.
        batch_size: samples of a batch.
        prepare: maps row and sample to what ``model.batch`` takes; by default ``model.prepare``.
    """
    from torch.utils.data import DataLoader

    on_gpu = model.device.type == "cuda"  # on a CPU, reading in other processes only takes its cores away
    loader: DataLoader = DataLoader(
        _Samples(dataset, rows["source"].tolist(), prepare or _Plain(model)),  # type: ignore[arg-type]
        batch_size=batch_size,
        sampler=order,
        num_workers=min(_GPU_WORKERS, os.cpu_count() or 1) if on_gpu and dataset.modality == "image" else 0,
        collate_fn=list,
    )
    for batch in loader:
        good = [(row, sample) for row, sample, reason in batch if reason is None]
        failures = [(row, reason) for row, _, reason in batch if reason is not None]
        inputs = model.batch([sample for _, sample in good]) if good else None
        yield Batch(inputs, [row for row, _ in good], failures)


class _Plain:
    def __init__(self, model: Network[Any]) -> None:
        self.model = model

    def __call__(self, row: int, sample: Any) -> Any:
        return self.model.prepare(sample)


class _Samples:
    """Maps a row to (row, prepared sample, None), or to (row, None, the reason why it cannot be read)."""

    def __init__(self, dataset: Dataset, sources: list[str], prepare: Prepare) -> None:
        self.dataset, self.sources, self.prepare = dataset, sources, prepare

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, row: int) -> tuple[int, Any, str | None]:
        try:
            return row, self.prepare(row, self.dataset.open_sample(self.sources[row])), None
        except InputError as error:
            return row, None, str(error)
