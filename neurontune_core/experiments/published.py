"""Published numbers: Tables 1 to 6 of NeuronTune (ICML 2025), to be shown beside measured ones.

All are in per cent and copied from that paper, which took those of other methods from their own papers. No spread is
given, since few of them report one for the same number of runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

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
COARSE, OVERLAPPING = "4 groups: label × any identity", "16 overlapping groups of WILDS: label × each identity"


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


_REWEIGHTED = (
    "The average accuracy on Waterbirds is either plain or re-weighted by the proportions of the training groups, and "
    "the tables do not say which; ERM's 97.3 can only be the re-weighted one."
)
_TWO_METRICS = (
    "Worst-group accuracy on CivilComments is taken over two different sets of groups in one column of the table; this "
    "one is over {}."
)
DATASET_NOTES = MappingProxyType(
    {
        "waterbirds": (
            _REWEIGHTED,
            "Table 8 counts 2,225 test images of landbirds on land; the dataset has 2,255.",
        ),
        "civilcomments": ("Table 9 gives a learning rate of 1e-3 for ERM; it can only be 1e-5.",),
        "imagenet9": (
            "These are the nine classes of the ReBias line of work, not those of the backgrounds challenge.",
        ),
        "imagenet_a": ("42 WordNet ids are mapped to the nine classes: 1,087 images.",),
    }
)
_TRAINS_ALL = "The published method trains the whole network; on cached embeddings only its last layer is trained."

# method: (name, groups used, (worst group, average) on Waterbirds, CelebA, MultiNLI, CivilComments, its metric, note)
_Pair = tuple[float | None, float | None]
_NOT: _Pair = (None, None)
_TABLES_1_AND_2: dict[str, tuple[str, str, _Pair, _Pair, _Pair, _Pair, str, str]] = {
    "erm": ("ERM", "none", (72.6, 97.3), (47.2, 95.6), (67.9, 82.4), (57.4, 92.6), OVERLAPPING, ""),
    "jtt": ("JTT", "validation", (86.7, 93.3), (81.1, 88.0), (72.6, 78.6), (69.3, 91.1), OVERLAPPING, ""),
    "self": ("SELF†", "half of validation", (93.0, 94.0), (83.9, 91.7), (70.7, 81.2), (79.1, 87.7), COARSE, ""),
    "cnc": ("CnC", "validation", (88.5, 90.9), (88.8, 89.9), _NOT, (68.9, 81.7), OVERLAPPING, ""),
    "bam": ("BAM", "validation", (89.2, 91.4), (83.5, 88.0), (71.2, 79.6), (79.3, 88.3), COARSE, ""),
    "bam_class_diff": ("BAM, ClassDiff", "none", (89.1, 91.4), (80.1, 88.4), (70.8, 80.3), _NOT, COARSE, ""),
    "afr": ("AFR", "validation", (90.4, 94.2), (82.0, 91.3), (73.4, 81.4), (68.7, 89.8), OVERLAPPING, ""),
    "dfr": ("DFR†", "half of validation", (92.4, 94.9), (87.0, 92.6), (70.8, 81.7), (81.8, 87.5), COARSE, ""),
    "bpa": ("BPA", "none", (71.4, None), (82.5, None), _NOT, _NOT, "", _TRAINS_ALL),
    "george": ("GEORGE", "none", (76.2, 95.7), (52.4, 94.8), _NOT, _NOT, "", _TRAINS_ALL),
    "neurontune": ("NeuronTune", "none", (92.2, 94.4), (83.1, 92.0), (72.1, 81.1), (82.4, 89.2), COARSE, ""),
    "neurontune_halves": ("NeuronTune†", "none", (92.5, 94.5), (87.3, 90.3), (72.5, 80.3), (82.7, 89.4), COARSE, ""),
}
_TABLE_3: dict[str, tuple[str, float, float]] = {  # accuracy on ImageNet-9, on ImageNet-A
    "erm": ("ERM", 90.8, 24.9),
    "stylised_in": ("StylisedIN", 88.4, 24.6),
    "rubi": ("RUBi", 90.5, 27.7),
    "rebias": ("ReBias", 91.9, 29.6),
    "lff": ("LfF", 86.0, 24.6),
    "caam": ("CaaM", 95.7, 32.8),
    "ssl_erm": ("SSL+ERM", 94.2, 34.2),
    "lwbc": ("LWBC", 94.0, 36.0),
    "neurontune": ("NeuronTune", 93.7, 37.3),
}
_MASKING_OFF = (82.7, 53.9, 63.4, 81.5)  # Table 4, NT = No, D_Ide = val, D_Tune = train


@dataclass(frozen=True)
class PublishedAblation:
    """One number of Tables 4 to 6.

    Attributes:
        table: 4, 5 or 6.
        setting: which row and column, in words.
        dataset: a key of `DATASETS`.
        worst_group, accuracy: in per cent; None where none is printed.
    """

    table: int
    setting: str
    dataset: str
    worst_group: float
    accuracy: float | None = None


def published(method: str, dataset: str) -> Published | None:
    """Return the paper's numbers for a method on a dataset; None when it has none.

    >>> published("neurontune", "waterbirds").worst_group
    92.2
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
    for key, (name, groups_used, birds, faces, pairs, comments, metric, note) in _TABLES_1_AND_2.items():
        cells = dict(zip(DATASETS, (birds, faces, pairs, comments), strict=False))
        for dataset, (worst, average) in cells.items():
            if worst is not None:
                source = f"{PAPER}, Tables 1 and 2"
                yield _cell(key, name, dataset, worst, average, groups_used, metric, source, note)
    for key, (name, nine, adversarial) in _TABLE_3.items():
        for dataset, accuracy in (("imagenet9", nine), ("imagenet_a", adversarial)):
            yield _cell(key, name, dataset, None, accuracy, "none", "", f"{PAPER}, Table 3", "")
    for dataset, worst in zip(DATASETS, _MASKING_OFF, strict=False):
        yield _cell("masking_off", "No masking", dataset, worst, None, "none", COARSE, f"{PAPER}, Table 4", "")


def _cell(
    key: str,
    name: str,
    dataset: str,
    worst: float | None,
    average: float | None,
    groups_used: str,
    metric: str,
    source: str,
    note: str,
) -> Published:
    metric = metric if dataset == "civilcomments" else ""
    notes = [note] if note else []
    notes += [_TWO_METRICS.format(metric)] if metric else []
    notes += DATASET_NOTES.get(dataset, ())
    return Published(key, name, dataset, worst, average, groups_used, metric, source, tuple(notes))


def published_ablations(table: int | None = None) -> tuple[PublishedAblation, ...]:
    """Return Tables 4 (which sets, and masking on or off), 5 (mask value) and 6 (chosen by worst-class accuracy).

    Args:
        table: one of them; all when left out.

    >>> len(published_ablations(5)), published_ablations(5)[0].worst_group
    (6, 87.3)
    """
    return tuple(row for row in _ABLATIONS if table in (None, row.table))


def _over(table: int, setting: str, numbers: tuple[float, ...]) -> list[PublishedAblation]:
    return [PublishedAblation(table, setting, name, number) for name, number in zip(DATASETS, numbers, strict=False)]


_ABLATIONS = (
    *_over(4, "identify on train, tune on train", (78.0, 58.5, 42.0, 80.0)),
    *_over(4, "identify on val, tune on train", (92.2, 83.1, 72.1, 82.4)),
    *_over(4, "identify on val, tune on train, no masking", _MASKING_OFF),
    *_over(4, "halves of val", (92.5, 87.3, 72.5, 82.7)),
    *(
        PublishedAblation(5, f"mask value {value:g}", "celeba", worst, average)
        for value, worst, average in (
            (0.0, 87.3, 90.3),
            (0.2, 71.5, 93.8),
            (0.4, 72.2, 93.8),
            (0.6, 72.9, 93.8),
            (0.8, 73.1, 93.8),
            (1.0, 73.0, 93.9),
        )
    ),
    *_over(6, "JTT", (84.2, 52.3)),
    *_over(6, "AFR", (89.0, 68.7)),
    *_over(6, "NeuronTune", (91.8, 83.0)),
)
