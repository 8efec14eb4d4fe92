"""Does NeuronTune help on the built-in examples? Every head of the product, by training seed and head seed.

    python benchmarks/example_table.py build/examples/faces/seed-*/faces --runs build/examples/faces.json

A folder is a project whose sets have groups: a shipped example, or one training seed of it as `make example` keeps
them under build/examples. Identification is val and tuning is train, or one half of val tunes and the other identifies
and selects. Only DFR uses a group label (of val); for the rest, groups are only counted on the test split. A head seed
draws other batches, halves and subsets; the trained head and its mask alone have none. Printed are worst-group and
average accuracy on test in percent, as mean ± standard deviation over all runs, with the mean number of masked neurons
and how often each group was the worst; then the worst group by training seed.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from neurontune_core import (
    EmbeddingSet,
    LinearHead,
    TuneConfig,
    evaluate,
    neurontune,
    neurontune_halves,
    spuriousness_scores,
)
from neurontune_core.baselines.dfr import DfrSettings
from neurontune_core.baselines.registry import method
from neurontune_core.files import read_json, write_json

EXAMPLE = Path(__file__).parents[1] / "assets" / "faces"
TRAINED, MASK_ALONE = "trained head", "mask alone, λ = 0"
Tuned = tuple[LinearHead, int]  # and how many neurons its mask holds


@dataclass(frozen=True)
class Sets:
    """One network: the trained head and the three sets that it embeds."""

    head: LinearHead
    identification: EmbeddingSet
    tuning: EmbeddingSet
    evaluation: EmbeddingSet

    @classmethod
    def load(cls, folder: Path) -> Sets:
        """Read a project folder."""
        project = read_json(folder / "project.json")
        roles = ("identification", "tuning", "evaluation")
        sets = [EmbeddingSet.load(folder / project["embeddings"][project["roles"][role]]) for role in roles]
        return cls(LinearHead.load(folder / project["head"]), *sets)


@dataclass(frozen=True)
class Run:
    """What one head gets right on test, in percent."""

    network: str
    arm: str
    seed: int
    worst: float
    average: float
    masked: int
    worst_group: str
    groups: dict[str, float]


def mask_alone(sets: Sets) -> Tuned:
    """Fold the mask of the trained head into it: biased neurons count for nothing, and nothing is tuned."""
    held_out = sets.identification
    predictions = sets.head.predict(held_out.embeddings)
    scores = spuriousness_scores(held_out.embeddings, held_out.labels, predictions, held_out.num_classes)
    biased = scores.biased(0.0)
    return LinearHead(np.where(biased, 0, sets.head.weight), sets.head.bias, sets.head.class_names), int(biased.sum())


def on_train(**settings: object) -> Callable[[Sets, int], Tuned]:
    """Tune on train, identify on val."""

    def tuned(sets: Sets, seed: int) -> Tuned:
        config = replace(TuneConfig(seed=seed), **settings)  # type: ignore[arg-type]
        result = neurontune(sets.head, sets.identification, sets.tuning, config)
        return result.head, int(result.biased.sum())

    return tuned


def on_halves(**settings: object) -> Callable[[Sets, int], Tuned]:
    """Tune on one half of val, identify on the other."""

    def tuned(sets: Sets, seed: int) -> Tuned:
        config = replace(TuneConfig(seed=seed), **settings)  # type: ignore[arg-type]
        result = neurontune_halves(sets.head, sets.identification, config)
        return result.head, int(result.biased.sum())

    return tuned


def dfr(sets: Sets, seed: int) -> Tuned:
    """Fit DFR on val with its group labels, standardized by val."""
    settings = DfrSettings(scale="identification", seed=seed)
    result = method("dfr").run(sets.head, sets.identification, sets.tuning, settings)
    return result.head, 0


ARMS: dict[str, Callable[[Sets, int], Tuned]] = {
    TRAINED: lambda sets, _: (sets.head, 0),
    MASK_ALONE: lambda sets, _: mask_alone(sets),
    "no masking": on_train(masking=False),
    "NeuronTune, SFit": on_train(),
    "NeuronTune, worst class": on_train(select="worst_class_accuracy"),
    "no masking, halves of val": on_halves(masking=False),
    "NeuronTune, SFit, halves of val": on_halves(),
    "NeuronTune, worst class, halves of val": on_halves(select="worst_class_accuracy"),
    "DFR (uses group labels)": dfr,
}
WITHOUT_SEED = (TRAINED, MASK_ALONE)


def measure(network: str, arm: str, seed: int, tuned: Tuned, test: EmbeddingSet) -> Run:
    """Evaluate one head on test."""
    head, masked = tuned
    result = evaluate(head, test)
    assert result.worst_group is not None
    shares = {group.name: 100 * (group.accuracy or 0) for group in result.groups}
    average = 100 * result.accuracy
    return Run(network, arm, seed, min(shares.values()), average, masked, result.worst_group.name, shares)


def run_all(folders: list[Path], seeds: int, file: Path | None) -> list[Run]:
    """Run every arm; those that ``file`` holds already are not run again."""
    runs = [Run(**run) for run in read_json(file)] if file is not None and file.is_file() else []
    done = {(run.network, run.arm, run.seed) for run in runs}
    for folder in folders:
        place = folder.resolve()
        network = place.parent.name if place.parent.name.startswith("seed-") else place.name
        sets = Sets.load(folder)
        for arm, tune in ARMS.items():
            for seed in range(1 if arm in WITHOUT_SEED else seeds):
                if (network, arm, seed) in done:
                    continue
                runs.append(measure(network, arm, seed, tune(sets, seed), sets.evaluation))
                if file is not None:
                    write_json(file, [asdict(run) for run in runs])
    return runs


def spread(values: list[float]) -> str:
    """Return mean ± sample standard deviation, or the value alone."""
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def overall_table(runs: list[Run]) -> list[str]:
    """Return one Markdown row an arm, over all networks and seeds."""
    lines = ["| head | worst group | average | masked neurons | which group is worst |", "|---|---|---|---|---|"]
    for arm in ARMS:
        mine = [run for run in runs if run.arm == arm]
        worst = ", ".join(f"{name} ({times})" for name, times in Counter(run.worst_group for run in mine).most_common())
        masked = np.mean([run.masked for run in mine])
        lines.append(
            f"| {arm} | {spread([run.worst for run in mine])} | {spread([run.average for run in mine])} "
            f"| {masked:.0f} | {worst} |"
        )
    return lines


def network_table(runs: list[Run]) -> list[str]:
    """Return the worst group of every arm in Markdown, one column a network."""
    networks = list(dict.fromkeys(run.network for run in runs))
    lines = [f"| worst group | {' | '.join(networks)} |", f"|---|{'---|' * len(networks)}"]
    for arm in ARMS:
        cells = [spread([run.worst for run in runs if (run.arm, run.network) == (arm, name)]) for name in networks]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", default=[EXAMPLE], help="project folders, one a network")
    parser.add_argument("--seeds", type=int, default=5, help="of the head")
    parser.add_argument("--runs", type=Path, metavar="FILE", help="keep every run in this JSON file, and resume it")
    parser.add_argument("--json", action="store_true", help="print the runs instead of the tables")
    arguments = parser.parse_args()
    runs = run_all(arguments.folders, arguments.seeds, arguments.runs)
    if arguments.json:
        print(json.dumps([asdict(run) for run in runs], indent=1))
        return
    for network in dict.fromkeys(run.network for run in runs):
        trained = next(run for run in runs if (run.network, run.arm) == (network, TRAINED))
        shares = ", ".join(f"{name} {value:.1f}" for name, value in trained.groups.items())
        print(f"Trained head of {network} by group: {shares}")
    print("", *overall_table(runs), sep="\n")
    if len({run.network for run in runs}) > 1:
        print("", *network_table(runs), sep="\n")


if __name__ == "__main__":
    main()
