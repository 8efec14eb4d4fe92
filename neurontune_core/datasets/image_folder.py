"""Images in folders by class: ``root/class/*.jpg`` or ``root/split/class/*.jpg``, and what else people unpack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import IMAGE_ENDINGS, Dataset
from neurontune_core.datasets.files_below import Passed, image_files
from neurontune_core.datasets.folder_tree import read_tree
from neurontune_core.datasets.spellings import one_spelling
from neurontune_core.errors import InputError, listing
from neurontune_core.remarks import Remark


def open_folder(spec: dict[str, Any], root: Path) -> Dataset:
    """List the images of a folder with one subfolder per class.

    Args:
        spec: ``class_names`` sets the order of the classes; by default they are sorted by name.
        root: the folder.

    Raises:
        InputError: when there are no class folders, no images, or a class that ``class_names`` does not contain.
    """
    import pandas as pd

    requested = [str(name) for name in spec.get("class_names") or ()]
    tree, passed = read_tree(root, requested), Passed()
    files = [(place, path) for place in tree.places for path in image_files(place.folder, passed)]
    counts = Counter(place.label for place, _ in files)
    for place in tree.places:
        counts.setdefault(place.label, 0)
    spellings, spelled_twice = one_spelling(counts, requested)
    class_names = _order(sorted(set(spellings.values())), requested, root)
    number = {name: class_names.index(spellings[name]) for name in spellings}
    records = [
        {"source": path.relative_to(root).as_posix(), "label": number[place.label], "split": place.split}
        for place, path in files
    ]
    if not records:
        raise InputError(f"The folders of {root} hold no images ({', '.join(sorted(IMAGE_ENDINGS))}).")
    samples = pd.DataFrame(records)
    samples.insert(0, "id", samples["source"])
    remarks = (*tree.remarks, *passed.remarks(), *spelled_twice, *_read_as_text(class_names, requested))
    return Dataset(root, samples, class_names, remarks=remarks)


def _read_as_text(names: Sequence[str], requested: Sequence[str]) -> tuple[Remark, ...]:
    """Say in which order folders are read that are called by numbers."""
    in_order = sorted(names, key=lambda name: (int(name) if name.isdecimal() else -1, name))
    if requested or not all(name.isdecimal() for name in names) or in_order == list(names):
        return ()
    return (
        Remark(
            f"The class folders are numbers, read as text ({listing(names, 4)}), as torchvision reads them.",
            fix="If the model's outputs count them as numbers, as timm does, give them in that order.",
            flags=f"--classes {','.join(in_order)}",
            about="labels",
        ),
    )


def _order(names: list[str], class_names: Sequence[str], root: Path) -> tuple[str, ...]:
    if not class_names:
        return tuple(names)
    unknown = [name for name in names if name not in class_names]
    if unknown:
        raise InputError(f'The folder "{unknown[0]}" in {root} is not one of the class_names {list(class_names)}.')
    return tuple(class_names)
