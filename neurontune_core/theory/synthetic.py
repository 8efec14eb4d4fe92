"""The synthetic experiment of Section 5.3 and Appendix A.1: three neurons, one of them a shortcut that fails in test.

The core neuron is the label (−1 or +1) plus noise of variance 0.6. The spurious one is an attribute plus noise of
variance 0.1; the attribute is 0 or 1 and goes with the label in 95 % of the training and 10 % of the test samples. The
third is noise alone, of variance 0.1. All of this is printed in A.1; assumed here are classes that are equally likely,
so that retraining without a mask gives the model before, and logistic regression without a penalty. Without the
shortcut no model can do better than Φ(1/√0.6) = 90.2 %.

`CODINGS` holds a second example, ours: the same data with the spurious neuron doubled and moved to −1 and +1. A
logistic regression makes the same predictions of both, but magnitudes do not see the same data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, evaluate
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import spuriousness_scores
from neurontune_core.identification.scores import SpuriousnessScores
from neurontune_core.statistics import Spread

NEURONS = ("core", "spurious", "noise")
CORE_VARIANCE, SPURIOUS_VARIANCE, NOISE_VARIANCE = 0.6, 0.1, 0.1
TRAINING_AGREEMENT, TEST_AGREEMENT = 0.95, 0.10
SAMPLES = 5000  # of each of the three sets
CLASSES = ("−1", "+1")


class Coding(NamedTuple):
    """What the spurious neuron is of A.1's: ``scale · v + shift``.

    Attributes:
        scale, shift: of the neuron.
        values: its means for the two attributes, as they are written.
    """

    scale: float
    shift: float
    values: tuple[str, str]

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the names of the groups, label by attribute."""
        return tuple(f"y = {label}, a = {value}" for label in CLASSES for value in self.values)


PAPER, CENTERED = "paper", "centered"
CODINGS = {PAPER: Coding(1.0, 0.0, ("0", "1")), CENTERED: Coding(2.0, -1.0, ("−1", "+1"))}


@dataclass(frozen=True, eq=False)
class Experiment:
    """The experiment with one seed.

    Attributes:
        training, identification, test: the three sets, [SAMPLES, 3].
        before, after: logistic regression on all neurons, and on those that the absolute scores spare.
        scores, signed: absolute and signed spuriousness scores of ``before`` on the identification set.
    """

    training: EmbeddingSet
    identification: EmbeddingSet
    test: EmbeddingSet
    before: LinearHead
    after: LinearHead
    scores: SpuriousnessScores
    signed: SpuriousnessScores

    def evaluations(self) -> dict[tuple[str, str], Evaluation]:
        """Evaluate by head (before, after) and set (training, test), in the order of a table."""
        sets = {"training": self.training, "test": self.test}
        heads = {"before": self.before, "after": self.after}
        return {(head, name): evaluate(heads[head], sets[name]) for name in sets for head in heads}


@dataclass(frozen=True)
class Summary:
    """The experiment over many seeds.

    Attributes:
        seeds: how many.
        accuracy, worst_group_accuracy: by head (before, after) and set (training, test), in 0..1.
        picked, picked_signed: by neuron, the share of seeds in which the absolute and the signed rule select it.
    """

    seeds: int
    accuracy: dict[tuple[str, str], Spread]
    worst_group_accuracy: dict[tuple[str, str], Spread]
    picked: dict[str, float]
    picked_signed: dict[str, float]


def synthetic_set(agreement: float, rng: np.random.Generator, split: str, coding: Coding) -> EmbeddingSet:
    """Draw [SAMPLES, 3] activations, labels and groups (label × attribute); the attribute goes with the label in a
    share ``agreement`` of the samples."""
    labels = rng.integers(0, 2, SAMPLES)
    attributes = np.where(rng.random(SAMPLES) < agreement, labels, 1 - labels)
    noise = rng.standard_normal((SAMPLES, 3)) * np.sqrt([CORE_VARIANCE, SPURIOUS_VARIANCE, NOISE_VARIANCE])
    vectors = np.stack([2 * labels - 1, attributes, np.zeros(SAMPLES)], axis=1) + noise
    vectors[:, 1] = coding.scale * vectors[:, 1] + coding.shift
    groups = 2 * labels + attributes
    return EmbeddingSet(vectors.astype(np.float32), labels, CLASSES, groups, coding.groups, split=split)


def fit_logistic(data: EmbeddingSet, keep: np.ndarray) -> LinearHead:
    """Fit a logistic regression of two classes on the kept neurons [M] bool, without a penalty, by Newton's method.

    scikit-learn gives the same; its import alone takes longer than every seed of this experiment.
    """
    design = np.column_stack([data.embeddings[:, keep], np.ones(data.num_samples)]).astype(np.float64)
    solution = np.zeros(design.shape[1])
    for _ in range(25):
        share = 1 / (1 + np.exp(-design @ solution))
        curvature = (design * (share * (1 - share))[:, None]).T @ design
        step = np.linalg.solve(curvature, design.T @ (data.labels - share))
        solution += step
        if np.abs(step).max() < 1e-8:
            break
    weight = np.zeros(len(keep))
    weight[keep] = solution[:-1]
    return LinearHead.from_binary(weight, solution[-1], CLASSES)


def run_experiment(
    seed: int = 0, identification_agreement: float = TRAINING_AGREEMENT, coding: str = PAPER
) -> Experiment:
    """Train on all neurons, score them, train again without the biased ones.

    Args:
        seed: of all three sets.
        identification_agreement: share of the identification samples whose attribute goes with their label.
        coding: a key of `CODINGS`.

    Raises:
        InputError: when the share is not in 0..1, when the coding is unknown, when the model makes no mistake, or every
            neuron is selected.

    >>> [run_experiment(0, coding=name).scores.biased().tolist()[:2] for name in CODINGS]
    [[False, True], [False, False]]
    """
    if coding not in CODINGS:
        raise InputError(f'There is no coding "{coding}"; use one of {", ".join(CODINGS)}.')
    if not 0 <= identification_agreement <= 1:
        raise InputError(
            f"Expected a share of identification samples between 0 and 1, but got {identification_agreement:g}."
        )
    rng = np.random.default_rng(seed)
    training = synthetic_set(TRAINING_AGREEMENT, rng, "training", CODINGS[coding])
    identification = synthetic_set(identification_agreement, rng, "identification", CODINGS[coding])
    test = synthetic_set(TEST_AGREEMENT, rng, "test", CODINGS[coding])
    before = fit_logistic(training, np.ones(3, dtype=bool))
    predictions = before.predict(identification.embeddings)
    scores, signed = (
        spuriousness_scores(identification.embeddings, identification.labels, predictions, 2, magnitude=magnitude)
        for magnitude in (True, False)
    )
    keep = ~scores.biased()
    if not keep.any():
        raise InputError("With this seed the scores select every neuron, so nothing is left; choose another seed.")
    after = fit_logistic(training, keep)
    return Experiment(training, identification, test, before, after, scores, signed)


def summarize(seeds: int = 20, identification_agreement: float = TRAINING_AGREEMENT, coding: str = PAPER) -> Summary:
    """Run seeds 0 to ``seeds`` − 1 and average them.

    Raises:
        InputError: as `run_experiment`, and when there is no seed.
    """
    if seeds < 1:
        raise InputError(f"Expected at least 1 seed, but got {seeds}.")
    runs = [run_experiment(seed, identification_agreement, coding) for seed in range(seeds)]
    evaluations = [run.evaluations() for run in runs]
    return Summary(
        seeds=seeds,
        accuracy={key: Spread.of([evaluation[key].accuracy for evaluation in evaluations]) for key in evaluations[0]},
        worst_group_accuracy={
            key: Spread.of([evaluation[key].worst_group_accuracy or 0.0 for evaluation in evaluations])
            for key in evaluations[0]
        },
        picked=_shares([run.scores.biased() for run in runs]),
        picked_signed=_shares([run.signed.biased() for run in runs]),
    )


def _shares(picked: list[np.ndarray]) -> dict[str, float]:
    return dict(zip(NEURONS, np.mean(picked, axis=0).tolist(), strict=True))
