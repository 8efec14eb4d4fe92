"""Table of a neuron's score on each class: value, confidence, medians and weight."""

from __future__ import annotations

from neurontune_core.identification.confidence import CONFIDENCES, Confidence
from pages.parts.frame.view import View
from pages.parts.frame.words import plain

NO_BREAK = "\u00a0"
MOST = 4  # classes that have a row and a chart
EXPLAINED = (
    "Score: median activation on the misclassified samples of the class minus the median on its correct ones, with the "
    "95 % interval in brackets. p: corrected for testing all neurons. Weight: logit contribution to the class per unit "
    "of activation."
)


def listed_classes(view: View, neuron: int) -> list[int]:
    """Return all classes; of many, the class whose samples are shown, then those with the highest scores."""
    delta, shown = view.diagnosis.scores.delta[:, neuron], view.shown_class(neuron)
    if len(delta) <= MOST:
        return list(range(len(delta)))
    highest = sorted(range(len(delta)), key=(-delta).__getitem__)
    return [shown, *(label for label in highest if label != shown)][:MOST]


def score_table(view: View, neuron: int, confidence: Confidence | None) -> str:
    """Return the table as Markdown, with the class whose samples are shown in bold."""
    names, shown = view.diagnosis.identification.class_names, view.shown_class(neuron)
    lines = ["| class | score | confidence | misclassified | correct | weight |", "|---|---|---|--:|--:|--:|"]
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
    return [score, _confidence(view, neuron, label, confidence), *sides, f"{weight:+.2f}"]


def _confidence(view: View, neuron: int, label: int, confidence: Confidence | None) -> str:
    scores = view.diagnosis.scores
    if not scores.num_incorrect[label]:
        return "nothing misclassified, no bias visible"
    if not scores.num_correct[label]:
        return "nothing correct to compare with"
    if confidence is None:
        return "computing …"
    if not confidence.tested[label]:
        return f"only {scores.num_incorrect[label]} misclassified: too few to test"
    verdict = CONFIDENCES[int(confidence.verdicts_by_class(view.threshold)[label, neuron])]
    p = confidence.adjusted[label, neuron]
    p_value = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{verdict}, {p_value.replace(' ', NO_BREAK)}"
