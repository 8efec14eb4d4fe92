"""A neuron's score on each class, in a line each: how large, how sure, from which medians, and its weight."""

from __future__ import annotations

from neurontune_core.identification.confidence import VERDICTS, Confidence
from pages.parts.frame.state import View
from pages.parts.frame.words import plain

NO_BREAK = "\u00a0"
MOST = 4  # classes that have a line and a chart
EXPLAINED = (
    "Score: median on the class's mistakes minus median on its hits, in brackets its 95 % interval. p: chance, "
    "corrected for all neurons. Weight: what the head adds to the class for each unit of activation."
)


def strongest_class(view: View, neuron: int) -> int:
    """The chosen class, or without one that which gives the neuron its score."""
    return int(view.diagnosis.strongest_class[neuron]) if view.label is None else view.label


def listed_classes(view: View, neuron: int) -> list[int]:
    """All classes; of many the one whose samples are shown, then those on which the neuron scores highest."""
    delta, shown = view.diagnosis.scores.delta[:, neuron], strongest_class(view, neuron)
    if len(delta) <= MOST:
        return list(range(len(delta)))
    highest = sorted(range(len(delta)), key=(-delta).__getitem__)
    return [shown, *(label for label in highest if label != shown)][:MOST]


def score_table(view: View, neuron: int, confidence: Confidence | None) -> str:
    """Markdown; the class whose samples are shown stands out."""
    names, shown = view.diagnosis.identification.class_names, strongest_class(view, neuron)
    lines = ["| class | score | how sure | mistakes | hits | weight |", "|---|---|---|--:|--:|--:|"]
    for label in listed_classes(view, neuron):
        name = plain(names[label])
        cells = [f"**{name}**" if label == shown else name, *_cells(view, neuron, label, confidence)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(view: View, neuron: int, label: int, confidence: Confidence | None) -> list[str]:
    scores, weight = view.diagnosis.scores, view.diagnosis.erm.weight[label, neuron]
    counts = scores.num_incorrect[label], scores.num_correct[label]
    medians = scores.median_incorrect[label, neuron], scores.median_correct[label, neuron]
    sides = [f"{median:.3f} ({count:,})" if count else "–" for median, count in zip(medians, counts, strict=True)]
    score = f"{scores.delta[label, neuron]:+.3f}"
    if confidence is not None and confidence.tested[label]:
        low, high = (bound[label, neuron] for bound in confidence.all_intervals)
        score += f" [{low:+.3f}, {high:+.3f}]"
    return [score, _how_sure(view, neuron, label, confidence), *sides, f"{weight:+.2f}"]


def _how_sure(view: View, neuron: int, label: int, confidence: Confidence | None) -> str:
    scores = view.diagnosis.scores
    if not scores.num_incorrect[label]:
        return "no mistakes, so no bias to see"
    if not scores.num_correct[label]:
        return "no hits to compare with"
    if confidence is None:
        return "being computed …"
    if not confidence.tested[label]:
        return f"only {scores.num_incorrect[label]} misclassified: too few to say"
    verdict = VERDICTS[int(confidence.verdicts_by_class(view.threshold)[label, neuron])]
    p = confidence.adjusted[label, neuron]
    said = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{verdict}, {said.replace(' ', NO_BREAK)}"
