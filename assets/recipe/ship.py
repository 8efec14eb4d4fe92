"""The project folder around the trained network: weights, embeddings, head, project.json, and where it comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.evaluation.accuracy import Evaluation, evaluate
from neurontune_core.files import read_json, write_json, write_whole
from neurontune_core.head import LinearHead
from neurontune_core.workspace.tasks import extract_project
from recipe import compose, train

SHIPPED_SEED = 0  # settled before any network was trained
SPLITS = tuple(compose.SPLITS)
GROUPS = tuple(f"{label} on {background}" for label in compose.LABELS for background in compose.BACKGROUNDS)


def ship(weights: dict[str, torch.Tensor], example: Path) -> None:
    """Write ``model.safetensors``, ``head.safetensors``, ``embeddings/`` and ``project.json``."""
    write_whole(example / "model.safetensors", lambda path: save_file(weights, path, metadata={"format": "pt"}))
    config = {
        "base": str(example),
        "out": str(example),
        "name": "example",
        "title": "Animal or vehicle?",
        "model": {
            "family": "efficientnet_lite",
            "architecture": "efficientnet_lite0",
            "weights": "model.safetensors",
            "num_classes": len(compose.LABELS),
            "preprocessing": {"image_size": compose.SIZE, "resize": compose.SIZE},
        },
        "dataset": {
            "format": "image_table",
            "root": ".",
            "table": "metadata.csv",
            "images": "",
            "columns": {"path": "filename", "label": "y", "split": "split", "attribute": "background"},
            "class_names": list(compose.LABELS),
            "attribute_names": list(compose.BACKGROUNDS),
        },
        "splits": list(SPLITS),
        "device": "cpu",
    }
    torch.set_num_threads(train.THREADS)
    project = extract_project(config, lambda **_: None)
    for folder in project["embeddings"].values():
        extracted = EmbeddingSet.load(example / folder)
        replace(extracted, group_names=GROUPS).save(example / folder)  # the data set names them "animal, grass"
    head = LinearHead.load(example / project["head"])
    test = EmbeddingSet.load(example / project["embeddings"]["test"])
    write_json(example / "project.json", project | {"problem": problem(evaluate(head, test))})


def problem(erm: Evaluation) -> str:
    """What is wrong with the classifier, in a sentence that holds for what was measured.

    Raises:
        RuntimeError: when the worst group is right more often than not; the sentence would be untrue.
    """
    worst = erm.groups.index(erm.worst_group)
    if erm.groups[worst].correct * 2 >= erm.groups[worst].n:
        raise RuntimeError(f"the network gets {erm.groups[worst]} right too often for the example's sentence")
    label, background = divmod(worst, len(compose.BACKGROUNDS))
    mine, others = compose.LABELS[label], compose.LABELS[1 - label]
    return (
        f"It tells animals from vehicles, but it leans on what they stand on: {mine}s on "
        f"{compose.BACKGROUNDS[background]} are mostly called {others}s."
    )


def record(weights: dict[str, torch.Tensor], seed: int, example: Path) -> None:
    """Note what the network of a seed gets right in ``erm.json``; networks of other images drop out of it."""
    path = example / "erm.json"
    trained_on = train.digest(*train.load_images(example))
    known = read_json(path) if path.is_file() else {}
    seeds = known["seeds"] if known.get("images") == trained_on else {}
    seeds[str(seed)] = train.measure(weights, example)
    write_json(path, {"images": trained_on, "seeds": dict(sorted(seeds.items()))})


def write_provenance(example: Path) -> None:
    """``PROVENANCE.md`` with the counts of ``metadata.csv`` and the measurements of ``erm.json``."""
    seeds = read_json(example / "erm.json")["seeds"]
    counts = seeds[str(SHIPPED_SEED)]
    images = "\n".join(
        f"| {split} | {' | '.join(str(counts[split][group]['n']) for group in GROUPS)} |" for split in SPLITS
    )
    accuracies = "\n".join(_accuracy_row(seed, split, seeds[seed][split]) for seed in seeds for split in SPLITS)
    total = sum(counts[split][group]["n"] for split in SPLITS for group in GROUPS)
    text = _PROVENANCE.format(
        total=f"{total:,}",
        size=compose.SIZE,
        quality=compose.JPEG_QUALITY,
        compose_seed=compose.SEED,
        header=f"{' | '.join(GROUPS)} |\n|---|{'---|' * len(GROUPS)}",
        images=images,
        epochs=train.EPOCHS,
        rate=f"{train.RATE:g}",
        momentum=f"{train.MOMENTUM:g}",
        decay=f"{train.DECAY:g}",
        batch=train.BATCH,
        shipped=SHIPPED_SEED,
        accuracy_header=f"average | {' | '.join(GROUPS)} |\n|---|---|---|{'---|' * len(GROUPS)}",
        accuracies=accuracies,
    )
    write_whole(example / "PROVENANCE.md", lambda path: path.write_text(text, encoding="utf-8"))


def _accuracy_row(seed: str, split: str, groups: dict[str, dict[str, int]]) -> str:
    average = sum(groups[group]["correct"] for group in GROUPS) / sum(groups[group]["n"] for group in GROUPS)
    shares = [average, *(groups[group]["correct"] / groups[group]["n"] for group in GROUPS)]
    return f"| {seed} | {split} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |"


_PROVENANCE = """\
# Where the built-in example comes from

Written by `assets/make_example.py`; licences are in `LICENSES.md`.

- `parts/foregrounds`: 250 cut-outs of the texture/shape cue-conflict images of Geirhos et al. (ICLR 2019), cut along
  their filled silhouettes (`make_example.py --cut FOLDER`): those whose shape and texture are both of animals (bear,
  bird, cat, dog, elephant) or both of vehicles (airplane, bicycle, boat, car, truck).
- `parts/backgrounds`: the photographs `grass` and `gravel` of scikit-image.
- `images` and `metadata.csv`: {total} composites made from the parts by `assets/recipe/compose.py`, seed
  {compose_seed}. A foreground, its longest side 28 to 50 % of the frame, stands at a random place, mirrored half of the
  time, on a random crop of grass (tinted green) or gravel; {size} px, JPEG of quality {quality}.
- `model.safetensors`: EfficientNet-Lite0, from its ImageNet weights, all layers fine-tuned on the training images by
  ERM (`assets/recipe/train.py`): {epochs} epochs, SGD at {rate} falling along a cosine, momentum {momentum}, weight
  decay {decay}, batches of {batch}, horizontal flips. The last epoch, in half precision without batch counters.
- `head.safetensors`, `embeddings`, `project.json`: extracted from these weights and images by
  `neurontune_core.extraction` on a CPU.

## Images by group

The hidden shortcut is the background: 3 % of the training images of each class stand on the other one, and the groups
of validation and test are equal. Objects (a shape such as `cat3`) and rows of the background photographs are disjoint
between the splits: objects 1 to 6 train, 7 and 8 validation, 9 and 10 test; rows 0 to 271, 272 to 391, 392 to 511.
The textures painted onto the objects are not: one texture photograph may appear in several splits. All crops of
a background come from one photograph.

| split | {header}
{images}

## What ERM learned

Accuracy in per cent of the networks as shipped, rounded to half precision. Seed {shipped} is the shipped one, settled
before training; the others show how much it is worth. The recipe was judged by ERM alone (converged, worst test group
below 75 %, not repaired by class-balanced retraining of the last layer), never by NeuronTune's result on test.

| seed | split | {accuracy_header}
{accuracies}
"""
