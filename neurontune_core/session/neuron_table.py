"""The table of neurons: which ones it lists, in the order of their scores, and its columns."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from neurontune_core.identification.confidence import CONFIDENCES, SURE, Confidence
from neurontune_core.session.diagnosis import Diagnosis

Listed = Literal["all", "masked", "sure", "labeled manually"]
_MOST_CLASSES = 4  # with more, one column names each neuron's strongest class


def listed_neurons(
    diagnosis: Diagnosis, which: Listed, masked: np.ndarray, threshold: float, confidence: Confidence | None
) -> np.ndarray:
    """Return the neurons to list, the highest score first; none is "sure" before ``confidence`` is known.

    Args:
        masked: [M] bool, the current mask.
        threshold: λ.
    """
    ranking = diagnosis.ranking
    if which == "masked":
        return ranking[masked[ranking]]
    if which == "sure":
        return ranking[:0] if confidence is None else ranking[confidence.verdicts(threshold)[ranking] == SURE]
    if which == "labeled manually":
        return ranking[np.isin(ranking, list(diagnosis.project.journal.current()))]
    return ranking


def neuron_table(
    diagnosis: Diagnosis, neurons: np.ndarray, masked: np.ndarray, threshold: float, confidence: Confidence | None
) -> dict[str, Any]:
    """Return columns by name, one row for each of ``neurons``; interval and confidence once they are known.

    Args:
        masked: [M] bool, the current mask.
        threshold: λ.
    """
    verdicts, names = diagnosis.verdicts(), diagnosis.identification.class_names
    scores, strongest = diagnosis.scores, diagnosis.strongest_class[neurons]
    table: dict[str, Any] = {"neuron": neurons, "score": scores.neuron_scores[neurons]}
    if confidence is not None:
        low, high = confidence.all_intervals
        table["from"], table["to"] = low[strongest, neurons], high[strongest, neurons]
        table["confidence"] = [CONFIDENCES[place] for place in confidence.verdicts(threshold)[neurons]]
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
