"""The model card: what was done to a head, what it changed, and what is not known, in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.evaluation.accuracy import Evaluation, Proportion, evaluate
from neurontune_core.evaluation.changes import changes
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.tables import markdown_table, markdown_text
from neurontune_core.tuning.config import TuneConfig

_TRAINED = "Trained"  # by ERM, as the classifier came
_NO_MASKING = "No masking"  # class-balanced retraining without a mask
_CHOSEN_BY = {
    "sfit": (
        "the highest SFit (spuriousness fitness score, Σ|delta|) on the identification set, which needs no group labels"
    ),
    "worst_class_accuracy": "the highest worst-class accuracy on the identification set",
    "last": "nothing: the last epoch was kept",
    "robust": (
        "a stable mask: late epochs are averaged unless other epochs have a clearly better worst class on the "
        "identification set"
    ),
}


@dataclass(frozen=True, eq=False)
class TunedRun:
    """A tuned head with everything that its model card reports.

    Attributes:
        erm: the head before.
        head: the head after, mask folded in.
        mask: the masked neurons.
        config: the settings.
        evaluation: the set that the table is measured on.
        epoch: the kept epoch, if known.
        masking_off: the baseline, class-balanced retraining without a mask, if it was run.
        data: descriptions of the sets, such as {"Identification": "val, 96 samples"}.
        title, problem: of the project.
        warnings: sentences of the run.
        advised: the adviser's recommendation, if its head was taken.
        caution: why figures on the evaluation set are optimistic, if they are.
        name: what the head is called; by default it follows from the settings.
        retrained: False for the trained head, and for a mask that was folded into it without retraining.
    """

    erm: LinearHead
    head: LinearHead
    mask: Mask
    config: TuneConfig
    evaluation: EmbeddingSet
    epoch: int | None = None
    masking_off: LinearHead | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    title: str = "A classifier"
    problem: str = ""
    warnings: Sequence[str] = ()
    advised: str = ""
    caution: str = ""
    name: str = ""
    retrained: bool = True

    @property
    def title_name(self) -> str:
        """Return the name of the head, as the columns of the table have it."""
        return self.name or ("Retrained" if self.config.masking else _NO_MASKING)

    def evaluations(self) -> dict[str, Evaluation]:
        """Return the accuracies of the trained head, of retraining without a mask if it was run, and of this head."""
        heads = {_TRAINED: self.erm}
        if self.masking_off is not None:
            heads[_NO_MASKING] = self.masking_off
        heads[self.title_name] = self.head
        return {name: evaluate(head, self.evaluation) for name, head in heads.items()}


def model_card(run: TunedRun, files: Mapping[str, str], preprocessing: Mapping[str, object] | None = None) -> str:
    """Write the text of the model card, in Markdown.

    Args:
        run: the head that the card describes.
        files: name -> how the file beside the card was checked.
        preprocessing: how images become the model's input; None when the model is not known.

    >>> import numpy as np
    >>> head, nothing = LinearHead(np.eye(2), np.zeros(2), ("cat", "dog")), np.zeros(2, dtype=bool)
    >>> samples = EmbeddingSet(np.eye(2), [0, 1], ("cat", "dog"), split="test")
    >>> card = model_card(TunedRun(head, head, Mask(nothing, 0.0, 0.0), TuneConfig(), samples), {})
    >>> card.splitlines()[0]
    '# A classifier: retrained head'
    """
    evaluations = run.evaluations()
    parts = [
        f"# {markdown_text(run.title)}: {run.title_name.lower()} head",
        markdown_text(run.problem),
        "## Before and after",
        _measured_on(run),
        _comparison(run, evaluations),
        _changes(run),
        "## What group labels were used for",
        _groups(run),
        "## How it was made",
        markdown_table(("", ""), _making(run)),
        markdown_table(("setting", "value", "meaning"), _settings(run.config)) if run.retrained else "",
        "## Limits",
        "\n".join(f"- {sentence}" for sentence in _limits(run, evaluations)),
        "## Files",
        markdown_table(
            ("file", "checked before it was offered"),
            [(f"`{name}`", markdown_text(check)) for name, check in files.items()],
        ),
        "" if preprocessing is None else f"Input: `{json.dumps(preprocessing)}`",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _measured_on(run: TunedRun) -> str:
    split = f' "{markdown_text(run.evaluation.split)}"' if run.evaluation.split else ""
    return (
        f"On the {run.evaluation.num_samples} samples of the evaluation set{split}, in percent, with 95 % Wilson "
        "intervals. Average is the share of correct samples; the worst group and class have the lowest."
        + (f" {markdown_text(run.caution)}" if run.caution else "")
    )


def _comparison(run: TunedRun, evaluations: Mapping[str, Evaluation]) -> str:
    every = list(evaluations.values())
    rows = [_row("**Average**", [evaluation.overall for evaluation in every])]
    if run.evaluation.groups is not None:
        worst = [evaluation.worst_group for evaluation in every if evaluation.worst_group is not None]
        rows.append(_row("**Worst group**", worst, named=True))
    if run.evaluation.overlapping_groups is not None:
        apart = [evaluation.by_overlapping_groups().worst_group for evaluation in every]
        name = f"**Worst of {len(run.evaluation.overlapping_groups.names)} overlapping groups**"
        rows.append(_row(name, [part for part in apart if part is not None], named=True))
    rows.append(_row("**Worst class**", [evaluation.worst_class for evaluation in every], named=True))
    for kind in ("group", "class"):
        columns = [evaluation.groups if kind == "group" else evaluation.classes for evaluation in every]
        rows += [
            _row(f"{kind} {markdown_text(same[0].name)}, n = {same[0].n}", same) for same in zip(*columns, strict=True)
        ]
    return markdown_table(("", *evaluations), rows)


def _row(name: str, parts: Sequence[Proportion], named: bool = False) -> list[str]:
    return [name, *(f"{_percent(part)} ({markdown_text(part.name)})" if named else _percent(part) for part in parts)]


def _percent(part: Proportion) -> str:
    if part.accuracy is None:
        return "no samples"
    low, high = part.interval
    return f"{100 * part.accuracy:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _changes(run: TunedRun) -> str:
    changed = changes(run.erm, run.head, run.evaluation)
    counts = f"{len(changed.fixed)} samples are corrected and {len(changed.broken)} are newly wrong"
    return f"Against the trained head, {counts}."


def _groups(run: TunedRun) -> str:
    unused = (
        "Finding biased neurons, retraining and choosing the epoch used class labels only."
        if run.retrained
        else "Finding biased neurons used class labels only, and nothing was retrained."
    )
    cue = run.mask.cue
    named = cue is not None and cue.groups
    if cue is not None:
        which = f" by naming {', '.join(map(markdown_text, cue.groups))}, whose group labels were read" if named else ""
        unused += (
            f' The cue "{markdown_text(cue.name)}" is what a person knows and pointed at{which}; NeuronTune as in the '
            "paper uses no such knowledge."
        )
    if run.evaluation.groups is None:
        return f"{unused} The evaluation set has no group labels, so the worst group is not known."
    return (
        f"{unused} Group labels were used for the table above and for nothing {'beside that' if named else 'else'}; "
        "choosing between several runs by that table would be using them."
    )


def _making(run: TunedRun) -> list[tuple[str, str]]:
    mask, config = run.mask, run.config
    rows = [(markdown_text(role), markdown_text(what)) for role, what in run.data.items()]
    kept = "" if run.epoch is None or config.select == "robust" else f"epoch {run.epoch} of {config.epochs}"
    if config.average_epochs > 1:
        kept = f"the average of the {config.average_epochs} best epochs"
    kept = ", ".join(part for part in (kept, f"chosen by {_CHOSEN_BY[config.select]}") if part)
    if run.advised:
        rows.append(("Advised", markdown_text(run.advised)))
    elif run.retrained:
        rows.append(("Kept", kept))
    share = f"{mask.num_biased} of {mask.num_neurons}"
    reasons = [mask.reasons(neuron) for neuron in mask.biased.nonzero()[0].tolist()]
    by_score, by_cue = (sum(reason in each for each in reasons) for reason in ("score", "cue"))
    selected = [f"{by_score} by score (above {mask.threshold:g})"] * (mask.cue is None or mask.cue.source == "both")
    if mask.cue is not None:
        selected.append(
            f'{by_cue} by the cue "{markdown_text(mask.cue.name)}" (moved by more than {mask.cue.threshold:g} SD)'
        )
    how = f", multiplied by {mask.mask_value:g}; {', '.join(selected)}" if mask.num_biased else ""
    rows.append(("Masked neurons", f"{share}{how}"))
    if mask.explanation:
        rows.append(("Mask", markdown_text(mask.explanation)))
    verdicts = list(mask.verdicts.values())
    counts = ", ".join(f"{verdicts.count(verdict)} {markdown_text(verdict)}" for verdict in sorted(set(verdicts)))
    rows.append(("Manual verdicts", counts or "none"))
    return rows


def _settings(config: TuneConfig) -> list[tuple[str, str, str]]:
    return [
        (f"`{setting.name}`", f"`{getattr(config, setting.name)}`", markdown_text(setting.metadata["help"]))
        for setting in fields(config)
    ]


def _limits(run: TunedRun, evaluations: Mapping[str, Evaluation]) -> list[str]:
    sentences = [
        "The numbers hold for data like the evaluation set; where a group is small, its interval is wide.",
        "The method is a heuristic: nothing guarantees that a masked neuron is spurious, or that the head is better.",
    ]
    for name, evaluation in evaluations.items():
        for what, measure in (("worst group", "worst_group_accuracy"), ("worst class", "worst_class_accuracy")):
            baseline, ours = getattr(evaluation, measure), getattr(evaluations[run.title_name], measure)
            if name != run.title_name and ours is not None and baseline > ours:
                sentences.append(f"{name} has the better {what}: {100 * baseline:.1f} against {100 * ours:.1f}.")
    if run.retrained and _NO_MASKING not in evaluations:
        sentences.append("Retraining without a mask was not run, so how much the mask contributes is not known.")
    return sentences + [markdown_text(warning) for warning in run.warnings]
