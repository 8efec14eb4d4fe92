"""The table of neurons: which ones it lists, in which order, and its columns."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from neurontune_core.identification.confidence import CONFIDENCES, SURE, Confidence
from neurontune_core.identification.ranking import Ranking
from neurontune_core.session.diagnosis import Diagnosis

Listed = Literal["all", "masked", "sure", "labeled manually"]
_MOST_CLASSES = 4  # with more, one column names each neuron's strongest class


def listed_neurons(
    diagnosis: Diagnosis,
    ranking: Ranking,
    which: Listed,
    masked: np.ndarray,
    threshold: float,
    confidence: Confidence | None,
) -> np.ndarray:
    """Return the neurons to list, in the order of the ranking; none is "sure" before ``confidence`` is known.

    Args:
        masked: [M] bool, the current mask.
        threshold: λ.
    """
    neurons = ranking.neurons
    if which == "masked":
        return neurons[masked[neurons]]
    if which == "sure":
        return neurons[:0] if confidence is None else neurons[_levels(ranking, confidence, threshold)[neurons] == SURE]
    if which == "labeled manually":
        return neurons[np.isin(neurons, list(diagnosis.project.journal.current()))]
    return neurons


def neuron_table(
    diagnosis: Diagnosis,
    ranking: Ranking,
    neurons: np.ndarray,
    masked: np.ndarray,
    threshold: float,
    confidence: Confidence | None,
) -> dict[str, Any]:
    """Return columns by name, one row for each of ``neurons``; interval and confidence once they are known.

    Args:
        ranking: gives rank and score; of the class that ranks, else of each neuron's strongest class.
        masked: [M] bool, the current mask.
        threshold: λ.
    """
    verdicts, names = diagnosis.verdicts(), diagnosis.identification.class_names
    scores, strongest = diagnosis.scores, diagnosis.strongest_class[neurons]
    if ranking.label is not None:
        strongest = np.full_like(strongest, ranking.label)
    table: dict[str, Any] = {
        "rank": ranking.places[neurons] + 1, "neuron": neurons, "score": ranking.scores[neurons]
    }  # fmt: skip
    if ranking.few.any():
        counts = zip(scores.num_incorrect[strongest], ranking.few[neurons], strict=True)
        table["rests on"] = [f"{count} misclassified{', too few' if few else ''}" for count, few in counts]
    if confidence is not None:
        low, high = confidence.all_intervals
        table["from"], table["to"] = low[strongest, neurons], high[strongest, neurons]
        table["confidence"] = [CONFIDENCES[place] for place in _levels(ranking, confidence, threshold)[neurons]]
    if diagnosis.paired_change is not None:
        table[f"responds to {diagnosis.attribute}, SD"] = diagnosis.paired_change[neurons]
    if (cue := diagnosis.shown_cue()) is not None:
        table[f"moved by {cue.cue.name}, SD"] = cue.effects[neurons]
    table["masked"] = masked[neurons]
    table["verdict"] = [verdicts.get(int(neuron), "") for neuron in neurons]
    if len(names) <= _MOST_CLASSES:
        table |= {f"score · {name}": scores.delta[label, neurons] for label, name in enumerate(names)}
        table |= {f"weight · {name}": diagnosis.erm.weight[label, neurons] for label, name in enumerate(names)}
    else:
        table["class"] = [names[label] for label in strongest]
        table["weight"] = diagnosis.erm.weight[strongest, neurons]
    table["zero, %"] = 100 * diagnosis.zero_share[neurons]
    return table


def _levels(ranking: Ranking, confidence: Confidence, threshold: float) -> np.ndarray:
    """Return [M] places in `CONFIDENCES`: in the class that ranks, else the strongest over classes."""
    if ranking.label is None:
        return confidence.verdicts(threshold)
    return confidence.verdicts_by_class(threshold)[ranking.label]
