"""The verb identify: which neurons are biased, and the first of them in an order."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import typer

from neurontune_core.cli.cue_options import CueName, MaskBy, cue_mask_for
from neurontune_core.cli.options import AsJson, answer, table, warn, with_settings
from neurontune_core.cli.project_options import HeadOption, Identification, ProjectOption, head_of, set_of
from neurontune_core.cues.effects import rank_correlation
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.pairs import Pairs, find_pairs
from neurontune_core.identification.intervals import score_interval
from neurontune_core.identification.paired import paired_change
from neurontune_core.identification.ranking import (
    BY_CLASS,
    PAPER,
    Ranking,
    classes_by_mistakes,
    explain_order,
    rank_by_class,
    rank_by_response,
    rank_over_classes,
)
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.identification.scores import FEW_MISTAKES, SpuriousnessScores
from neurontune_core.mask import CueMask, by_source
from neurontune_core.tuning.config import TuneConfig

LISTED = 10  # neurons in the table

Order = Annotated[
    Literal["class", "paper", "response"],
    typer.Option(
        help="What is listed first: scores in the class with most misclassified samples (class), the highest scores "
        "over all classes (paper), or, where samples have pairs, what responds to their attribute (response). It does "
        "not change which neurons are biased."
    ),
]


@with_settings("threshold", "magnitude", "statistic", "quantile")
def identify(
    config: TuneConfig,
    identification: Identification = None,
    head: HeadOption = None,
    project: ProjectOption = None,
    order: Order = "class",
    cue: CueName = None,
    mask_by: MaskBy = "cue",
    as_json: AsJson = False,
) -> None:
    """List the biased neurons.

    A neuron is biased when its activation is higher on misclassified samples of a class than on correct ones, by more
    than the threshold. With a cue, the neurons that respond to it are listed too.
    """
    samples = set_of(identification, project)
    erm = head_of(head, project, samples)
    selected = cue_mask_for(project, cue, mask_by)
    erm.check_fits(samples.num_neurons, samples.num_classes)
    scorer = SpuriousnessScorer.for_config(config, samples, sort=False)
    predictions = erm.predict(samples.embeddings)
    scores, pairs = scorer(predictions), find_pairs(samples)
    change = paired_change(samples.embeddings, pairs.without, pairs.with_attribute) if len(pairs) else None
    ranking = _ranked(order, samples, predictions, scores, config, change)
    biased = np.flatnonzero(scores.biased(config.threshold))
    warn(scores.warnings)
    answer(
        as_json,
        {
            "num_neurons": samples.num_neurons,
            "num_biased": len(biased),
            "biased": biased.tolist(),
            "sfit": scores.sfit,
            "num_incorrect": scores.num_incorrect.tolist(),
            "num_correct": scores.num_correct.tolist(),
            "warnings": list(scores.warnings),
            "order": ranking.order,
            "order_class": None if ranking.label is None else samples.class_names[ranking.label],
            "ranking": ranking.neurons.tolist(),
            "scores": ranking.scores.tolist(),
            "lower_ends": ranking.values.tolist() if ranking.by_interval else None,
            "few_misclassified": np.flatnonzero(ranking.few).tolist(),
            "response": None
            if change is None
            else {"attribute": pairs.attribute, "uses_group_labels": True, "change": change.tolist()},
            **({} if selected is None else _by_cue(selected, scores, config)),
        },
        f"{len(biased)} of {samples.num_neurons} neurons are biased (score above {config.threshold:g}); "
        f"SFit {scores.sfit:.4g}; {scores.num_incorrect.sum()} of {samples.num_samples} samples are misclassified.\n"
        f"{explain_order(ranking, scores, samples.class_names, pairs.attribute)}\n"
        f"{_first(ranking, scores, pairs, change)}{'' if selected is None else _cue_sentence(selected, scores)}",
    )


def _by_cue(cue: CueMask, scores: SpuriousnessScores, config: TuneConfig) -> dict[str, Any]:
    """Return what a cue selects, JSON-able: its neurons, their effects, and the mask with or without the scores."""
    masked = by_source(scores.biased(config.threshold), cue)
    return {
        "cue": {
            "name": cue.name,
            "effect": cue.threshold,
            "neurons": np.flatnonzero(cue.neurons).tolist(),
            "effects": cue.effects.tolist(),
            "rank_correlation_with_score": rank_correlation(np.abs(cue.effects), scores.neuron_scores),
            "mask_by": cue.source,
            "masked": np.flatnonzero(masked).tolist(),
        }
    }


def _cue_sentence(cue: CueMask, scores: SpuriousnessScores) -> str:
    correlation = rank_correlation(np.abs(cue.effects), scores.neuron_scores)
    return (
        f"\n{cue.neurons.sum()} neurons move by more than {cue.threshold:g} standard deviations with the cue "
        f'"{cue.name}"; rank correlation of effect and score {correlation:+.2f}.'
    )


def _ranked(
    order: str,
    samples: EmbeddingSet,
    predictions: np.ndarray,
    scores: SpuriousnessScores,
    config: TuneConfig,
    change: np.ndarray | None,
) -> Ranking:
    if order == PAPER:
        return rank_over_classes(scores)
    if order != BY_CLASS:
        if change is None:
            raise InputError(
                "The identification set has no pairs of samples without and with an attribute, so nothing is known of "
                "responses; use --order class or --order paper."
            )
        return rank_by_response(scores, change)
    label = int(classes_by_mistakes(scores.num_incorrect, scores.num_correct)[0])
    lower_ends = None
    if config.statistic == "median" and scores.num_incorrect[label] >= FEW_MISTAKES and scores.num_correct[label]:
        lower_ends, _ = score_interval(
            samples.embeddings,
            samples.labels,
            predictions,
            label,
            magnitude=config.magnitude,
            units=samples.unit_numbers,
        )
    return rank_by_class(scores, label, lower_ends)


def _first(ranking: Ranking, scores: SpuriousnessScores, pairs: Pairs, change: np.ndarray | None) -> str:
    """Return the table of the first neurons."""
    strongest = scores.strongest_class
    head = ["rank", "neuron", "score", *["lower end"] * ranking.by_interval, "misclassified"]
    head += [f"responds to {pairs.attribute}, SD (group labels)"] * (change is not None)
    rows = []
    for neuron in ranking.neurons[:LISTED]:
        label = strongest[neuron] if ranking.label is None else ranking.label
        row = [str(ranking.rank(neuron)), str(neuron), f"{ranking.scores[neuron]:+.4g}"]
        row += [f"{ranking.values[neuron]:+.4g}"] * ranking.by_interval
        row.append(f"{scores.num_incorrect[label]}{', too few' if ranking.few[neuron] else ''}")
        rows.append(row if change is None else [*row, f"{change[neuron]:+.2f}"])
    return table(head, rows)
