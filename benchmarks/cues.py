"""Does pointing at a cue help, and where does it fail? The cue's mask, alone and retrained with, beside other heads.

    PYTHONPATH=. python benchmarks/cues.py faces faces-biased reviews
    PYTHONPATH=. python benchmarks/cues.py birds-0.01 birds-1 conflict     # vectors, from ../shared/data
    PYTHONPATH=. python benchmarks/cues.py path/to/project ...             # pictures in pairs without and with the cue

A gesture is simulated: in a picture of a validation pair, the box is where it differs from its other half; in a text,
the words that it has more. Another gesture is drawn three times. Pairs are made of validation samples that do not hold
the cue, which is decided without labels; the first 10 and 30 of the 100 stand for fewer. "Exact pairs" are validation
pairs as they are; "picks" are validation samples drawn by group, as a person would pick them. No threshold is chosen by
a group label: it is .3, or the one of the largest margin, or of the best worst class on validation, both cross-fitted.
"Bias made even" moves the biases of the mask alone so that mean logits are equal over classes and over pairs with and
without the cue; no screen offers it. "Chosen" is the head, mask alone or retrained, with the better worst class, with
the cue and without it, on the pairs. DFR alone reads group labels to tune. Printed are worst group and average on test
in percent, mean ± standard deviation over gestures, draws or seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from cues_problems import Problem, problem_of

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, evaluate, neurontune
from neurontune_core.baselines.dfr import DfrSettings
from neurontune_core.baselines.registry import method
from neurontune_core.cues.cue import Cue, Picks, Words
from neurontune_core.cues.cue_mask import DEFAULT_EFFECT, Offer, offer
from neurontune_core.cues.measurement import CueMeasurement, measure_picks
from neurontune_core.cues.proof import prove
from neurontune_core.errors import InputError
from neurontune_core.evaluation.pairs import find_pairs
from neurontune_core.files import read_json, write_json

GESTURES, DRAWS = 3, 3
PAIRS, EXACT, PICKED = (10, 30, 100), (2, 5, 10, 20), (10, 20, 40)
cache_of_one = lru_cache(1)
CUE = Cue("cue", Words(("cue",)))  # a name for pairs that nobody pointed at


@dataclass(frozen=True)
class Result:
    """One head on test, in percent; "" where it masks nothing by a cue."""

    problem: str
    arm: str
    seed: int
    worst: float
    average: float
    masked: int = 0
    effect: float = 0.0


def results(problem: Problem, cache: Path, seeds: int, parts: set[str]) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """Yield arm, seed, and a function that returns (head, masked neurons, effect)."""
    head = problem.head
    if "heads" in parts:
        yield "trained head", 0, lambda: (head, 0, 0.0)
        for seed in range(seeds):
            for arm, config in (
                ("no masking", TuneConfig(masking=False, seed=seed)),
                ("NeuronTune, SFit", TuneConfig(seed=seed)),
                ("NeuronTune, worst class", TuneConfig(seed=seed, select="worst_class_accuracy")),
            ):
                yield arm, seed, partial(_tuned, problem, config)
            yield "DFR (group labels)", seed, partial(_dfr, problem, seed)
    if "gestures" in parts and problem.project is not None:
        for gesture in range(GESTURES):
            for most in PAIRS:
                name, full = f"1 gesture, {most} pairs", most == max(PAIRS)
                yield from _masks(
                    problem, name, gesture, partial(_fewer_of, problem, gesture, most, cache), retrain=full
                )
            for kind in ("noisy", "wrong"):
                made = partial(problem.measured, gesture, kind, cache)
                yield from _masks(problem, f"{kind} gesture, {max(PAIRS)} pairs", gesture, made)
    if "exact" in parts and len(find_pairs(problem.identification)):
        for draw in range(DRAWS):
            for each in EXACT:
                yield from _masks(problem, f"{each} exact pairs a class", draw, partial(exact, problem, each, draw))
    if "picks" in parts:
        for draw in range(DRAWS):
            for each in PICKED:
                made = partial(picked, problem.identification, each, draw)
                yield from _masks(problem, f"{each} + {each} picks a class", draw, made, retrain=each == max(PICKED))


def _masks(
    problem: Problem, name: str, seed: int, made: Callable[[], CueMeasurement], retrain: bool = False
) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    head = problem.head

    @cache_of_one
    def measured() -> CueMeasurement:
        return made()

    @cache_of_one
    def best() -> Offer | None:
        return offered(measured(), head)

    def alone(by: str) -> Any:
        cue = measured().mask(threshold(best(), by) if by != f"{DEFAULT_EFFECT:g}" else DEFAULT_EFFECT)
        return head.masked(np.where(cue.neurons, 0.0, 1.0)), int(cue.neurons.sum()), cue.threshold

    def recentered() -> Any:
        cleared, masked, effect = alone("margin")
        return even(cleared, measured()), masked, effect

    @cache_of_one
    def retrained(source: str) -> Any:
        cue = measured().mask(threshold(best(), "margin"), source)  # type: ignore[arg-type]
        result = neurontune(head, problem.identification, problem.tuning, TuneConfig(seed=seed), cue=cue)
        return result.head, int(result.biased.sum()), cue.threshold

    def chosen() -> Any:
        return max((alone("margin"), retrained("cue")), key=lambda each: kept(each[0], measured()))

    for by in ("margin", "worst class", f"{DEFAULT_EFFECT:g}"):
        yield f"{name}: mask alone, by {by}", seed, partial(alone, by)
    if retrain:
        yield f"{name}: mask alone, bias made even", seed, recentered
        yield f"{name}: mask + retraining", seed, partial(retrained, "cue")
        yield f"{name}: chosen", seed, chosen
        yield f"{name}: mask and scores + retraining", seed, partial(retrained, "both")


def offered(measured: CueMeasurement, head: LinearHead) -> Offer | None:
    """Return the thresholds compared without group labels; None with too few samples."""
    try:
        return offer(measured, head)
    except InputError:
        return None


def threshold(best: Offer | None, by: str) -> float:
    """Return the threshold of the effect by "margin" or by "worst class"; .3 with too few samples to choose."""
    if best is None:
        return DEFAULT_EFFECT
    return best.threshold if by == "margin" else float(best.thresholds[int(best.worst_classes.argmax())])


def kept(head: LinearHead, measured: CueMeasurement) -> float:
    """Return the worst class with the cue and without it, on the pairs or picks."""
    versions = [measured.base] if measured.edited is None else [measured.base, measured.edited]
    kinds = [np.ones(len(measured.rows), dtype=bool)] if measured.has is None else [measured.has, ~measured.has]
    correct = [head.predict(vectors) == measured.labels for vectors in versions]
    parts = [
        each[kind & (measured.labels == label)]
        for each in correct
        for kind in kinds
        for label in np.unique(measured.labels)
    ]
    return min(float(part.mean()) for part in parts if len(part))


def even(head: LinearHead, measured: CueMeasurement) -> LinearHead:
    """Return the head with biases that make the mean logits equal, over classes and over with and without the cue."""
    versions = [measured.base] if measured.edited is None else [measured.base, measured.edited]
    kinds = [np.ones(len(measured.rows), dtype=bool)] if measured.has is None else [measured.has, ~measured.has]
    means = [
        head.logits(vectors[kind & (measured.labels == label)]).mean(axis=0)
        for vectors in versions
        for kind in kinds
        for label in np.unique(measured.labels)
        if (kind & (measured.labels == label)).any()
    ]
    return LinearHead(head.weight, head.bias - np.mean(means, axis=0), head.class_names)


def _fewer_of(problem: Problem, gesture: int, most: int, cache: Path) -> CueMeasurement:
    return fewer(problem.measured(gesture, "clean", cache), most)


def fewer(measured: CueMeasurement, most: int) -> CueMeasurement:
    """Return the same measurement with fewer pairs, as many of each class."""
    classes = np.unique(measured.labels)
    places = [np.flatnonzero(measured.labels == label) for label in classes]
    rng = np.random.default_rng(0)
    chosen = np.sort(np.concatenate([rng.permutation(each)[: most // len(classes)] for each in places]))
    assert measured.edited is not None
    assert measured.control is not None
    return replace(
        measured, rows=measured.rows[chosen], edited=measured.edited[chosen], control=measured.control[chosen]
    )


def exact(problem: Problem, each: int, draw: int) -> CueMeasurement:
    """Return pairs of the validation set, so many a class, as if the cue had been put in."""
    samples, pairs = problem.identification, find_pairs(problem.identification)
    rng = np.random.default_rng([draw, each])
    labels = samples.labels[pairs.without]
    chosen = np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:each] for label in np.unique(labels)])
    without, edited = (
        np.asarray(samples.embeddings[rows[chosen]], dtype=np.float32) for rows in (pairs.without, pairs.with_attribute)
    )
    return CueMeasurement(CUE, samples, pairs.without[chosen], edited, without)  # as if a control changed nothing


def picked(samples: EmbeddingSet, each: int, draw: int) -> CueMeasurement:
    """Return validation samples with the attribute and without it, so many of each class and kind."""
    assert samples.groups is not None
    rng, attributes = np.random.default_rng([draw, each]), samples.groups % 2
    ids: tuple[list[str], list[str]] = ([], [])
    for label in np.unique(samples.labels):
        for attribute in (0, 1):
            rows = rng.permutation(np.flatnonzero((samples.labels == label) & (attributes == attribute)))[:each]
            ids[1 - attribute].extend(samples.sample_ids[rows].astype(str))
    return measure_picks(Cue("cue", Picks(samples.split, tuple(ids[0]), tuple(ids[1]))), samples)


def _tuned(problem: Problem, config: TuneConfig) -> tuple[LinearHead, int, float]:
    result = neurontune(problem.head, problem.identification, problem.tuning, config)
    return result.head, int(result.biased.sum()), 0.0


def _dfr(problem: Problem, seed: int) -> tuple[LinearHead, int, float]:
    run = method("dfr").run(problem.head, problem.identification, problem.tuning, DfrSettings(seed=seed))
    return run.head, 0, 0.0


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="+")
    parser.add_argument("--parts", nargs="+", default=["heads", "gestures", "exact", "picks"])
    parser.add_argument("--seeds", type=int, default=3, help="of retrainings")
    parser.add_argument("--runs", type=Path, help="keep every result in this JSON file, and resume it")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir(), "neurontune-cues"), help="folder of vectors")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    file = arguments.runs
    done = [Result(**each) for each in read_json(file)] if file is not None and file.is_file() else []
    for problem in map(problem_of, arguments.problems):
        for arm, seed, make in results(problem, arguments.cache, arguments.seeds, set(arguments.parts)):
            if any((each.problem, each.arm, each.seed) == (problem.name, arm, seed) for each in done):
                continue
            head, masked, effect = make()
            measured = evaluate(head, problem.evaluation)
            worst, average = 100 * (measured.worst_group_accuracy or 0.0), 100 * measured.accuracy
            done.append(Result(problem.name, arm, seed, worst, average, masked, effect))
            if file is not None:
                write_json(file, [asdict(each) for each in done])
        if "gestures" in arguments.parts and problem.project is not None:
            for gesture in range(GESTURES):
                for kind in ("clean", "noisy", "wrong"):
                    proof = prove(problem.measured(gesture, kind, arguments.cache), problem.head)
                    counts = f"{proof.changed} of {proof.pairs} changed, control {proof.control_changed}"
                    sure = "distinct" if proof.distinct else "not distinct"
                    print(f"{problem.name}, {kind}: {counts}; {sure}")
        print("\n".join(table([each for each in done if each.problem == problem.name])), flush=True)


def table(mine: list[Result]) -> list[str]:
    """Return one Markdown row an arm."""
    lines = [f"| {mine[0].problem} | worst group | average | masked | effect |", "|---|---|---|---|---|"]
    for arm in dict.fromkeys(each.arm for each in mine):
        own = [each for each in mine if each.arm == arm]
        cells = [_spread([getattr(each, name) for each in own]) for name in ("worst", "average")]
        effects = sorted({f"{each.effect:g}" for each in own if each.effect})
        lines.append(
            f"| {arm} | {' | '.join(cells)} | {np.mean([each.masked for each in own]):.0f} | {', '.join(effects)} |"
        )
    return lines


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


if __name__ == "__main__":
    main()
