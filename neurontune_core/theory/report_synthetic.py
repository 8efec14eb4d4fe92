"""The synthetic experiment as an answer: one seed, or a summary over many."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from neurontune_core.evaluation.accuracy import Evaluation
from neurontune_core.statistics import Spread
from neurontune_core.tables import percent
from neurontune_core.theory.answers import KEPT, Answer
from neurontune_core.theory.synthetic import (
    NEURONS,
    PAPER,
    SAMPLES,
    TRAINING_AGREEMENT,
    Experiment,
    run_experiment,
    summarize,
)

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@lru_cache(KEPT)
def _experiment(seed: int, agreement: float, coding: str) -> Experiment:
    return run_experiment(seed, agreement, coding)


@lru_cache(KEPT)
def synthetic(
    seed: int = 0, identification_agreement: float = TRAINING_AGREEMENT, coding: str = PAPER, drawn: str = "test"
) -> Answer:
    """Answer one seed of the synthetic experiment: groups, and the decision boundary before and after.

    Args:
        seed, identification_agreement, coding: as in `run_experiment`.
        drawn: "training" or "test", the samples of the two scatters.
    """
    from neurontune_core.theory.figures import DRAWN, decision_boundary

    experiment = _experiment(seed, identification_agreement, coding)
    shown = experiment.training if drawn == "training" else experiment.test
    figures = {
        name: decision_boundary(shown, head, f"{name} ({drawn} data)")
        for name, head in (("before", experiment.before), ("after", experiment.after))
    }
    measured = experiment.evaluations()
    share = [part.n / shown.num_samples for part in measured["before", drawn].groups]
    groups = [
        {"group": name, f"share, {drawn}": percent(part)}
        | {
            f"{where}, {when}": percent(parts[place].accuracy or 0)
            for (when, where), parts in ((key, (*part.groups, part.overall)) for key, part in measured.items())
        }
        for place, (name, part) in enumerate(zip((*shown.group_names, "all samples"), (*share, 1.0), strict=True))
    ]
    picked = dict(zip(NEURONS, experiment.scores.biased().tolist(), strict=True))
    if_signed = dict(zip(NEURONS, experiment.signed.biased().tolist(), strict=True))
    return Answer(
        "synthetic",
        {"seed": seed, "samples": SAMPLES, "identification_agreement": identification_agreement}
        | {"coding": coding}
        | {"picked": picked, "picked_signed": if_signed, "heads": _accuracies(measured)},
        groups,
        f"{SAMPLES:,} samples a set, {DRAWN} drawn. Selected: {_named(picked)}; by signed scores it would be "
        f"{_named(if_signed)}.",
        figures,
    )


@lru_cache(KEPT)
def activations(
    seed: int = 0, identification_agreement: float = TRAINING_AGREEMENT, coding: str = PAPER, label: int = 0
) -> dict[str, Figure]:
    """Draw correct and misclassified samples of one class over each neuron's activation, on the identification set."""
    from neurontune_core.figures.distributions import outcome_distributions
    from neurontune_core.identification.distributions import distributions_of

    experiment = _experiment(seed, identification_agreement, coding)
    samples, picked = experiment.identification, experiment.scores.biased()
    right = experiment.before.predict(samples.embeddings) == samples.labels
    figures = {}
    for neuron, name in enumerate(NEURONS):
        (drawn,) = distributions_of(samples.embeddings[:, neuron], [samples.labels == label], right)
        title = f"{name} neuron: {'selected' if picked[neuron] else 'spared'}"
        figures[name] = outcome_distributions([(title, drawn)]).update_layout(height=270)
    return figures


def _accuracies(measured: dict[tuple[str, str], Evaluation]) -> dict[str, dict[str, float | None]]:
    return {
        f"{when}, {where}": {"accuracy": evaluation.accuracy, "worst_group_accuracy": evaluation.worst_group_accuracy}
        for (when, where), evaluation in measured.items()
    }


def _named(picked: dict[str, bool]) -> str:
    return ", ".join(name for name, chosen in picked.items() if chosen) or "none"


@lru_cache(KEPT)
def synthetic_summary(
    seeds: int = 20, identification_agreement: float = TRAINING_AGREEMENT, coding: str = PAPER
) -> Answer:
    """Answer the synthetic experiment over many seeds."""
    summary = summarize(seeds, identification_agreement, coding)
    rows = [
        {
            "": f"{where}, {when}",
            "average": _spread(summary.accuracy[when, where]),
            "worst group": _spread(summary.worst_group_accuracy[when, where]),
        }
        for when, where in summary.accuracy
    ]
    picks = ", ".join(f"{name} {percent(share, 0)}" for name, share in summary.picked.items())
    signed = ", ".join(f"{name} {percent(share, 0)}" for name, share in summary.picked_signed.items())
    return Answer(
        "synthetic",
        {
            "seeds": seeds,
            "identification_agreement": identification_agreement,
            "coding": coding,
            "picked": summary.picked,
            "picked_signed": summary.picked_signed,
            "heads": {
                f"{when}, {where}": {
                    "accuracy": _numbers(summary.accuracy[when, where]),
                    "worst_group_accuracy": _numbers(summary.worst_group_accuracy[when, where]),
                }
                for when, where in summary.accuracy
            },
        },
        rows,
        f"Mean ± standard deviation over seeds 0 to {seeds - 1}. Selected by absolute scores: {picks}; by signed ones: "
        f"{signed}.",
        {},
    )


def _numbers(spread: Spread) -> dict[str, float]:
    return {"mean": spread.mean, "deviation": spread.sd}


def _spread(value: Spread) -> str:
    return f"{value.percent(with_zero=True)} %"
