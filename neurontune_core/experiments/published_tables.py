"""What Tables 1 to 7 of NeuronTune (ICML 2025) print, as data; `published` says what belongs to which method."""

from __future__ import annotations

from typing import NamedTuple

COARSE, OVERLAPPING = "4 groups: label × any identity", "16 overlapping groups of WILDS: label × each identity"
TRAINS_ALL = "The published method trains the whole network; on cached embeddings only its last layer is trained."


class Cell(NamedTuple):
    """Worst-group accuracy, average accuracy and their gap in per cent; None where nothing is printed.

    ``worst_sd`` and ``average_sd`` are what is printed behind the ±.
    """

    worst: float | None = None
    worst_sd: float | None = None
    average: float | None = None
    average_sd: float | None = None
    gap: float | None = None


class Row(NamedTuple):
    """A row of Tables 1 and 2: the groups used in words, a cell a dataset, CivilComments' metric, what to know."""

    name: str
    groups_used: str
    cells: dict[str, Cell]
    metric: str
    note: str = ""


def _row(name: str, groups: str, metric: str, note: str = "", **cells: tuple[float | None, ...]) -> Row:
    return Row(name, groups, {key: Cell(*values) for key, values in cells.items()}, metric, note)


TABLES_1_AND_2: dict[str, Row] = {
    "erm": _row(
        "ERM", "none", OVERLAPPING,
        waterbirds=(72.6, None, 97.3, None, 24.7), celeba=(47.2, None, 95.6, None, 48.4),
        multinli=(67.9, None, 82.4, None, 14.5), civilcomments=(57.4, None, 92.6, None, 35.2),
    ),
    "jtt": _row(
        "JTT", "validation", OVERLAPPING,
        waterbirds=(86.7, None, 93.3, None, 6.6), celeba=(81.1, None, 88.0, None, 6.9),
        multinli=(72.6, None, 78.6, None, 6.0), civilcomments=(69.3, None, 91.1, None, 21.8),
    ),
    "self": _row(
        "SELF†", "half of validation", COARSE,
        waterbirds=(93.0, 0.3, 94.0, 1.7, 1.0), celeba=(83.9, 0.9, 91.7, 0.4, 7.8),
        multinli=(70.7, 2.5, 81.2, 0.7, 10.5), civilcomments=(79.1, 2.1, 87.7, 0.6, 8.6),
    ),
    "cnc": _row(
        "CnC", "validation", OVERLAPPING,
        waterbirds=(88.5, 0.3, 90.9, 0.1, 2.4), celeba=(88.8, 0.9, 89.9, 0.5, 1.1),
        civilcomments=(68.9, 2.1, 81.7, 0.5, 12.8),
    ),
    "bam": _row(
        "BAM", "validation", COARSE,
        waterbirds=(89.2, 0.3, 91.4, 0.4, 2.2), celeba=(83.5, 0.9, 88.0, 0.4, 4.5),
        multinli=(71.2, 1.6, 79.6, 1.1, 8.4), civilcomments=(79.3, 2.7, 88.3, 0.8, 9.0),
    ),
    "bam_class_diff": _row(
        "BAM, ClassDiff", "none", COARSE,
        waterbirds=(89.1, 0.2, 91.4, 0.3, 2.3), celeba=(80.1, 3.3, 88.4, 2.3, 8.3),
        multinli=(70.8, 1.5, 80.3, 1.0, 9.5), civilcomments=(79.3, 2.7, 88.3, 0.8, 9.0),
    ),
    "afr": _row(
        "AFR", "validation", OVERLAPPING,
        waterbirds=(90.4, 1.1, 94.2, 1.2, 3.8), celeba=(82.0, 0.5, 91.3, 0.3, 9.3),
        multinli=(73.4, 0.6, 81.4, 0.2, 8.0), civilcomments=(68.7, 0.6, 89.8, 0.6, 21.1),
    ),
    "dfr": _row(
        "DFR†", "half of validation", COARSE,
        waterbirds=(92.4, 0.9, 94.9, 0.3, 2.5), celeba=(87.0, 1.1, 92.6, 0.5, 5.6),
        multinli=(70.8, 0.8, 81.7, 0.2, 10.9), civilcomments=(81.8, 1.6, 87.5, 0.2, 5.7),
    ),
    "bpa": _row("BPA", "none", "", TRAINS_ALL, waterbirds=(71.4,), celeba=(82.5,)),
    "george": _row(
        "GEORGE", "none", "", TRAINS_ALL,
        waterbirds=(76.2, None, 95.7, None, 19.5), celeba=(52.4, None, 94.8, None, 42.4),
    ),
    "neurontune": _row(
        "NeuronTune", "none", COARSE,
        waterbirds=(92.2, 0.3, 94.4, 0.2, 2.2), celeba=(83.1, 1.1, 92.0, 0.5, 8.9),
        multinli=(72.1, 0.1, 81.1, 0.6, 9.0), civilcomments=(82.4, 0.2, 89.2, 0.1, 6.8),
    ),
    "neurontune_halves": _row(
        "NeuronTune†", "none", COARSE,
        waterbirds=(92.5, 0.9, 94.5, 0.3, 2.0), celeba=(87.3, 0.4, 90.3, 0.5, 3.0),
        multinli=(72.5, 0.3, 80.3, 0.6, 7.8), civilcomments=(82.7, 0.4, 89.4, 0.2, 6.7),
    ),
}  # fmt: skip

# Table 3, key -> name, ImageNet-9 and its ±, ImageNet-A and its ±, and the gap between the two.
TABLE_3: dict[str, tuple[str, float, float | None, float, float | None, float]] = {
    "erm": ("ERM", 90.8, 0.6, 24.9, 1.1, 65.9),
    "stylised_in": ("StylisedIN", 88.4, 0.5, 24.6, 1.4, 63.8),
    "rubi": ("RUBi", 90.5, 0.3, 27.7, 2.1, 62.8),
    "rebias": ("ReBias", 91.9, 1.7, 29.6, 1.6, 62.3),
    "lff": ("LfF", 86.0, None, 24.6, None, 61.4),
    "caam": ("CaaM", 95.7, None, 32.8, None, 62.9),
    "ssl_erm": ("SSL+ERM", 94.2, 0.1, 34.2, 0.5, 60.0),
    "lwbc": ("LWBC", 94.0, 0.2, 36.0, 0.5, 58.0),
    "neurontune": ("NeuronTune", 93.7, 0.1, 37.3, 0.5, 56.4),
}

# Worst group and its ±. Table 4 over Waterbirds, CelebA, MultiNLI, CivilComments; Table 6 over the first two.
Worst = tuple[float, float]
MASKING_OFF = "identify on val, tune on train, no masking"
TABLE_4: dict[str, tuple[Worst, ...]] = {
    "identify on train, tune on train": ((78.0, 2.3), (58.5, 1.2), (42.0, 10.5), (80.0, 10.5)),
    "identify on val, tune on train": ((92.2, 0.3), (83.1, 1.1), (72.1, 0.1), (82.4, 0.2)),
    MASKING_OFF: ((82.7, 0.4), (53.9, 0.0), (63.4, 0.7), (81.5, 0.5)),
    "halves of val": ((92.5, 0.9), (87.3, 0.4), (72.5, 0.3), (82.7, 0.4)),
}
TABLE_5: dict[float, tuple[Worst, Worst]] = {  # mask value -> worst group and average, on CelebA
    0.0: ((87.3, 0.4), (90.3, 0.5)),
    0.2: ((71.5, 1.5), (93.8, 0.2)),
    0.4: ((72.2, 1.2), (93.8, 0.3)),
    0.6: ((72.9, 1.5), (93.8, 0.2)),
    0.8: ((73.1, 1.5), (93.8, 0.2)),
    1.0: ((73.0, 1.2), (93.9, 0.2)),
}
TABLE_6: dict[str, tuple[Worst, Worst]] = {
    "JTT": ((84.2, 0.5), (52.3, 1.8)),
    "AFR": ((89.0, 2.6), (68.7, 1.7)),
    "NeuronTune": ((91.8, 0.8), (83.0, 2.8)),
}

# Table 7: method -> its time as printed.
TABLE_7 = {
    "JTT": "O(N E τ_opt)",
    "AFR": "O(N_Ide τ_fw + E N_ret E τ_ll)",
    "DFR": "O(E N_ret E τ_ll)",
    "NeuronTune": "O(E (N_Ide M τ_fw + N_ret E τ_ll))",
}
TABLE_7_NOTE = (
    "N: training samples; N_Ide, N_ret: samples that identify and that retrain; M: neurons; E: epochs; τ_opt, τ_fw, "
    "τ_ll: time of a step of the whole network, of inference, of a step of the last layer. E stands twice in three of "
    "the rows; once is meant, as the text describes one pass over the retraining samples an epoch."
)
