"""ImageNet-A (Hendrycks et al., CVPR 2021) mapped to the nine classes of ImageNet-9: folders of WordNet ids, all test.

The mapping is that of ReBias (Bahng et al., ICML 2020): 42 WordNet ids, which are those of ImageNet's index ranges for
frog (30-32), turtle (33-37), cat (281-285), crab (118-121), insect (306-310) and fish (393-397), and five each of dog
(151, 207, 234, 235, 254), bird (89, 90, 94, 96, 97) and primate (372-375, 378). ImageNet-A has folders for 21 of them,
one of which is a cat's (the Persian, 283) and none a crab's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import Dataset, DatasetGuess
from neurontune_core.datasets.files_below import image_files, subfolders
from neurontune_core.datasets.imagenet9 import CLASSES, PREPROCESSING
from neurontune_core.errors import InputError

WORDNET_IDS = {
    "dog": ("n02085620", "n02099601", "n02106550", "n02106662", "n02110958"),
    "cat": ("n02123045", "n02123159", "n02123394", "n02123597", "n02124075"),
    "frog": ("n01641577", "n01644373", "n01644900"),
    "turtle": ("n01664065", "n01665541", "n01667114", "n01667778", "n01669191"),
    "bird": ("n01819313", "n01820546", "n01833805", "n01843383", "n01847000"),
    "primate": ("n02486410", "n02487347", "n02488291", "n02488702", "n02492035"),
    "fish": ("n02607072", "n02640242", "n02641379", "n02643566", "n02655020"),
    "crab": ("n01978287", "n01978455", "n01980166", "n01981276"),
    "insect": ("n02174001", "n02177972", "n02190166", "n02206856", "n02219486"),
}
_CLASS_OF = {wordnet_id: CLASSES.index(name) for name, ids in WORDNET_IDS.items() for wordnet_id in ids}


def open_imagenet_a(spec: dict[str, Any], root: Path) -> Dataset:
    """Open the images in the folders of the 42 WordNet ids; other folders are left out. It has no spec keys of its own.

    Raises:
        InputError: when no folder is one of the 42, or they hold no images.
    """
    import pandas as pd

    known = [folder for folder in subfolders(root) if folder.name in _CLASS_OF]
    records = [
        {"source": path.relative_to(root).as_posix(), "label": _CLASS_OF[folder.name], "split": "test"}
        for folder in known
        for path in image_files(folder)
    ]
    if not records:
        raise InputError(
            f"{root} has no images in folders named by the WordNet ids of the nine classes, such as n02085620; "
            "give the folder that holds them."
        )
    samples = pd.DataFrame(records)
    samples.insert(0, "id", samples["source"])
    return Dataset(root, samples, CLASSES, preprocessing=PREPROCESSING)


def guess_imagenet_a(root: Path) -> DatasetGuess | None:
    """Recognize ImageNet-A by the name of its folder: folders of WordNet ids could be any part of ImageNet."""
    if not re.search(r"imagenet[-_]?a\b", root.name.lower()):
        return None
    folders = subfolders(root)
    known = [folder for folder in folders if folder.name in _CLASS_OF]
    if not known:
        return None
    return DatasetGuess(
        {"format": "imagenet_a", "root": str(root)},
        f"ImageNet-A: {sum(len(image_files(folder)) for folder in known):,} images in {len(known)} WordNet ids of the "
        f"nine classes, all test; {len(folders) - len(known)} other folders are left out.",
    )
