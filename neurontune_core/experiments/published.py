"""Published numbers: Tables 1 to 6 of NeuronTune (ICML 2025), to be shown beside measured ones.

All are in per cent and copied from that paper, which took those of other methods from their own papers; a ± is given
where the paper prints one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from neurontune_core.experiments.published_tables import (
    COARSE,
    MASKING_OFF,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    TABLES_1_AND_2,
    Cell,
    Worst,
)

PAPER = "NeuronTune: Towards Self-Guided Spurious Bias Mitigation, ICML 2025"
DATASETS = MappingProxyType(
    {
        "waterbirds": "Waterbirds",
        "celeba": "CelebA",
        "multinli": "MultiNLI",
        "civilcomments": "CivilComments",
        "imagenet9": "ImageNet-9",
        "imagenet_a": "ImageNet-A",
    }
)
IMAGENET = ("imagenet9", "imagenet_a")


@dataclass(frozen=True)
class Published:
    """One cell of the paper's tables.

    Attributes:
        method: the key of the method; the same as in `baselines.registry.METHODS` where there is one.
        name: as the paper prints it.
        dataset: a key of `DATASETS`.
        worst_group: worst-group accuracy on test in per cent; None where none is printed.
        accuracy: average accuracy on test in per cent; None where none is printed.
        groups_used: which group labels the method uses, in words; "none" when it uses none.
        metric: over which groups the worst is taken, where there are several ways; never compare across them.
        source: the table.
        notes: what one must know before comparing another number with it; sentences.
        worst_group_sd, accuracy_sd: what is printed behind the ±; None where nothing is.
        gap: the accuracy gap: average minus worst group, or in Table 3 ImageNet-9 minus ImageNet-A.
        imagenet_a, imagenet_a_sd: in Table 3, the accuracy on ImageNet-A.
    """

    method: str
    name: str
    dataset: str
    worst_group: float | None
    accuracy: float | None
    groups_used: str
    metric: str
    source: str
    notes: tuple[str, ...] = ()
    worst_group_sd: float | None = None
    accuracy_sd: float | None = None
    gap: float | None = None
    imagenet_a: float | None = None
    imagenet_a_sd: float | None = None


_REWEIGHTED = (
    "The average accuracy on Waterbirds is either plain or re-weighted by the proportions of the training groups, and "
    "the tables do not say which; ERM's 97.3 can only be the re-weighted one."
)
_TWO_METRICS = (
    "Worst-group accuracy on CivilComments is taken over two different sets of groups in one column of the table; this "
    "one is over {}."
)
_TABLE_3_GAP = "Table 3 has no worst groups: its gap is ImageNet-9 minus ImageNet-A, not average minus worst group."
DATASET_NOTES = MappingProxyType(
    {
        "waterbirds": (
            _REWEIGHTED,
            "Table 8 counts 2,225 test images of landbirds on land, and as many on water; the dataset has 2,255 each.",
        ),
        "civilcomments": ("Table 9 gives a learning rate of 1e-3 for ERM; it can only be 1e-5.",),
        "imagenet9": (
            "These are the nine classes of the ReBias line of work, not those of the backgrounds challenge.",
            "Section 5.2 has the ResNet-18 start from ImageNet weights, Section 5.4 says that it was trained from "
            "scratch; which one the figures belong to is open.",
            _TABLE_3_GAP,
        ),
        "imagenet_a": ("42 WordNet ids are mapped to the nine classes: 1,087 images.", _TABLE_3_GAP),
    }
)


@dataclass(frozen=True)
class PublishedAblation:
    """One number of Tables 4 to 6.

    Attributes:
        table: 4, 5 or 6.
        setting: which row and column, in words.
        dataset: a key of `DATASETS`.
        worst_group, accuracy: in per cent; None where none is printed.
        worst_group_sd, accuracy_sd: what is printed behind the ±.
    """

    table: int
    setting: str
    dataset: str
    worst_group: float
    accuracy: float | None = None
    worst_group_sd: float = 0.0
    accuracy_sd: float | None = None


def with_sd(value: float | None, sd: float | None) -> str:
    """Return "92.2 ± 0.3", "92.2" without a deviation, or "–".

    >>> with_sd(92.2, 0.3), with_sd(72.6, None)
    ('92.2 ± 0.3', '72.6')
    """
    if value is None:
        return "–"
    return f"{value:.1f}" if sd is None else f"{value:.1f} ± {sd:.1f}"


def published(method: str, dataset: str) -> Published | None:
    """Return the paper's numbers for a method on a dataset; None when it has none.

    >>> cell = published("neurontune", "waterbirds")
    >>> cell.worst_group, cell.worst_group_sd, cell.gap
    (92.2, 0.3, 2.2)
    """
    return next((cell for cell in all_published() if (cell.method, cell.dataset) == (method, dataset)), None)


def published_on(dataset: str) -> tuple[Published, ...]:
    """Return every method that the paper reports on a dataset, in its order.

    >>> [cell.name for cell in published_on("imagenet9")][:3]
    ['ERM', 'StylisedIN', 'RUBi']
    """
    return tuple(cell for cell in all_published() if cell.dataset == dataset)


def all_published() -> Iterator[Published]:
    """Return every cell of Tables 1 to 3, and of retraining without a mask, which is in Table 4."""
    for key, row in TABLES_1_AND_2.items():
        for dataset, cell in row.cells.items():
            notes = (row.note,) if row.note else ()
            yield _made(key, row.name, dataset, cell, row.groups_used, row.metric, "Tables 1 and 2", notes)
    for key, (name, nine, nine_sd, adversarial, adversarial_sd, gap) in TABLE_3.items():
        for dataset, pair in zip(IMAGENET, ((nine, nine_sd), (adversarial, adversarial_sd)), strict=True):
            cell = Cell(None, None, *pair, gap)
            yield _made(key, name, dataset, cell, "none", "", "Table 3", (), (adversarial, adversarial_sd))
    for dataset, worst in zip(DATASETS, TABLE_4[MASKING_OFF], strict=False):
        yield _made("masking_off", "No masking", dataset, Cell(*worst), "none", COARSE, "Table 4", ())


def _made(
    key: str,
    name: str,
    dataset: str,
    cell: Cell,
    groups_used: str,
    metric: str,
    table: str,
    notes: tuple[str, ...],
    imagenet_a: tuple[float | None, float | None] = (None, None),
) -> Published:
    metric = metric if dataset == "civilcomments" else ""
    notes += (_TWO_METRICS.format(metric),) if metric else ()
    return Published(
        key, name, dataset, cell.worst, cell.average, groups_used, metric, f"{PAPER}, {table}",
        (*notes, *DATASET_NOTES.get(dataset, ())), cell.worst_sd, cell.average_sd, cell.gap, *imagenet_a,
    )  # fmt: skip


def published_ablations(table: int | None = None) -> tuple[PublishedAblation, ...]:
    """Return Tables 4 (which sets, and masking on or off), 5 (mask value) and 6 (chosen by worst-class accuracy).

    Args:
        table: one of them; all when left out.

    >>> len(published_ablations(5)), published_ablations(5)[0].worst_group
    (6, 87.3)
    """
    return tuple(row for row in _ABLATIONS if table in (None, row.table))


def _over(table: int, setting: str, numbers: tuple[Worst, ...]) -> list[PublishedAblation]:
    return [
        PublishedAblation(table, setting, name, worst, None, sd)
        for name, (worst, sd) in zip(DATASETS, numbers, strict=False)
    ]


_ABLATIONS = (
    *(row for setting, numbers in TABLE_4.items() for row in _over(4, setting, numbers)),
    *(
        PublishedAblation(5, f"mask value {value:g}", "celeba", worst, average, worst_sd, average_sd)
        for value, ((worst, worst_sd), (average, average_sd)) in TABLE_5.items()
    ),
    *(row for setting, numbers in TABLE_6.items() for row in _over(6, setting, numbers)),
)
