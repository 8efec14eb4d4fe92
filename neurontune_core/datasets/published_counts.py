"""Samples of each group and split as the paper counts them (Table 8), to hold a dataset against."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from neurontune_core.datasets.base import Dataset

SPLITS = ("train", "val", "test")
# Format -> counts of train, val and test of the groups g = y * 2 + attribute. For both groups of landbirds in the test
# split of Waterbirds the paper prints 2,225; the 11,788 images of the dataset leave 2,255 for each.
TABLE_8: Mapping[str, tuple[tuple[int, int, int], ...]] = MappingProxyType(
    {
        "waterbirds": ((3498, 467, 2255), (184, 466, 2255), (56, 133, 642), (1057, 133, 642)),
        "celeba": ((71629, 8535, 9767), (66874, 8276, 7535), (22880, 2874, 2480), (1387, 182, 180)),
        "multinli": (
            (57498, 22814, 34597),
            (11158, 4634, 6655),
            (67376, 26949, 40496),
            (1521, 613, 886),
            (66630, 26655, 39930),
            (1992, 797, 1148),
        ),
        "civilcomments": (
            (148186, 25159, 74780),
            (90337, 14966, 43778),
            (12731, 2111, 6455),
            (17784, 2944, 8769),
        ),
    }
)


def against_table_8(dataset: Dataset, data_format: str) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Compare the splits of a dataset with Table 8.

    Args:
        dataset: with as many groups as the table has; others are not in it.
        data_format: the ``format`` of its spec.

    Returns:
        Split -> the published number of samples, and for each group whose count differs "name: here instead of
        published". Empty where the paper counts no such dataset.

    >>> import pandas as pd
    >>> from pathlib import Path
    >>> samples = pd.DataFrame({"split": ["train"] * 3, "label": [0, 0, 1], "group": [0, 1, 3]})
    >>> names = ("landbird, land", "landbird, water", "waterbird, land", "waterbird, water")
    >>> birds = Dataset(Path("birds"), samples, ("landbird", "waterbird"), group_names=names)
    >>> total, differ = against_table_8(birds, "waterbirds")["train"]
    >>> total, differ[0]
    (4795, 'landbird, land: 1 instead of 3,498')
    """
    table = TABLE_8.get(data_format)
    if table is None or len(table) != len(dataset.group_names) or "group" not in dataset.samples:
        return {}
    sizes = dataset.samples.groupby(["split", "group"]).size().to_dict()
    compared = {}
    for place, split in enumerate(SPLITS):
        if split in dataset.splits:
            counted = [int(sizes.get((split, group), 0)) for group in range(len(table))]
            published = [counts[place] for counts in table]
            compared[split] = (
                sum(published),
                tuple(
                    f"{name}: {own:,} instead of {printed:,}"
                    for name, own, printed in zip(dataset.group_names, counted, published, strict=True)
                    if own != printed
                ),
            )
    return compared
