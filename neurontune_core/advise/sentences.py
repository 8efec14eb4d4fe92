"""The advice in words: recommendation, case and reasons."""

from __future__ import annotations

import numpy as np

from neurontune_core.advise.candidate import Candidate, Key
from neurontune_core.advise.counterexamples import CounterExamples
from neurontune_core.advise.rule import MASK_ALONE, MASKED, Advice, Case
from neurontune_core.identification.scores import FEW_MISTAKES, chance_share
from neurontune_core.tables import percent
from neurontune_core.units import units_by_class

CASES: dict[Case, str] = {
    "too_few": "Too few samples for advice",
    "no_signal": "No head is better than guessing",
    "little_evidence": "Little evidence; retraining without a mask is harmless",
    "hard_samples": "Retrain with upweighted hard samples",
    "nothing_to_mend": "This data shows nothing to fix",
    "retraining_harms": "Retraining makes the head worse",
    "masking_off": "Retrain without a mask",
    "masking_harms": "Masking makes the head worse",
    "neurontune": "Mask and retrain",
    "mask_alone": "Mask, and retrain nothing",
}


# The command line's JSON keeps its keys; tables show these words.
HEADINGS = {"fixed": "corrected", "broken": "newly wrong"}


def name(advice: Advice, key: Key) -> str:
    """Return the name of a candidate, with the split that it is tuned on."""
    identification, tuning = advice.splits
    return {
        "erm": "your head",
        "mask_alone": "the mask alone",
        "own_mask": "your mask alone",
        "masking_off": f"no masking, on {tuning}",
        "neurontune": f"NeuronTune, on {tuning}",
        "robust": f"Robust, on {tuning}",
        "weighted_up": f"upweighted hard samples, on {tuning} and {identification}",
        "masking_off_held_out": f"no masking, on {identification}",
        "neurontune_held_out": f"NeuronTune†, on {identification}",
        "robust_held_out": f"Robust, on {identification}",
    }[key]


def what(advice: Advice) -> str:
    """Return the recommendation; a clause."""
    identification, tuning = advice.splits
    return {
        "erm": "keep your head",
        "mask_alone": "mask the biased neurons and retrain nothing",
        "own_mask": "take your mask and retrain nothing",
        "masking_off": f"retrain the head on {tuning}, class-balanced and without a mask",
        "neurontune": f"mask and retrain the head on {tuning} (NeuronTune)",
        "robust": f"mask the stable neurons and retrain the head on {tuning} (Robust)",
        "weighted_up": f"retrain the head on {tuning} and {identification} with upweighted hard samples",
        "masking_off_held_out": f"retrain the head on {identification}, class-balanced and without a mask",
        "neurontune_held_out": f"mask and retrain the head on {identification} (NeuronTune†)",
        "robust_held_out": f"mask the stable neurons and retrain the head on {identification} (Robust)",
    }[advice.chosen]


def sentence(advice: Advice) -> str:
    """Return recommendation and reasons in one sentence: "On your data: ..., because ..."."""
    return f"On your data: {what(advice)}, because {'; '.join(reasons(advice))}."


def reasons(advice: Advice) -> list[str]:
    """Return the reasons, the strongest first; clauses without a full stop."""
    if advice.case == "too_few":
        too_few = "samples" if advice.units is None else "samples, or units of samples that belong together,"
        return [f"a class has too few {too_few} to split for tuning, selection and evaluation; add samples of it"]
    if advice.case == "no_signal":
        return [
            f"none of the heads separates the classes of {advice.splits[0]} better than guessing, so the data cannot "
            "tell which is best; check the labels and the model first"
        ]
    return [_counterexamples(advice), *_hard(advice), *_accuracy(advice), *_mask(advice), brings(advice)]


def _hard(advice: Advice) -> list[str]:
    """Return the share of hard samples, where it decides."""
    if advice.case == "little_evidence":
        return ["every sample is nearest to the mean of its own class, so none stands out as a counter-example"]
    if advice.case == "hard_samples":
        share = percent(advice.candidate.hard_share)
        return [
            f"{share} of the samples of both are hard: they are nearer to the mean of another class than to that of "
            "their own; if there is a shortcut, its counter-examples are often among them"
        ]
    return []


def _counterexamples(advice: Advice) -> str:
    measured = advice.counterexamples
    identification, tuning = advice.splits
    assert measured is not None
    label = measured.label
    on_tuning, on_identification = (
        percent(measured.tuning_accuracy[label]),
        percent(measured.identification_accuracy[label]),
    )
    if measured.more:
        return (
            f"{identification} holds more counter-examples than {tuning}: heads trained on one half of {tuning} "
            f'classify class "{advice.class_names[label]}" correctly in {on_tuning} of the other half, but only in '
            f"{on_identification} of {identification} ({_errors(measured)})"
        )
    return (
        f"{identification} shows no more counter-examples than {tuning} (heads trained on one half of {tuning} "
        f'classify class "{advice.class_names[label]}" correctly in {on_tuning} of the other half and in '
        f"{on_identification} of {identification}, a difference that chance explains), so it cannot show a shortcut "
        "that both share"
    )


def _errors(measured: CounterExamples) -> str:
    """Return by how many standard errors, of the class or, where that is more, of all classes together."""
    single = float(measured.standard_errors.max())
    if measured.together > single:
        return f"{measured.together:.1f} standard errors over all classes"
    return f"{single:.1f} standard errors"


def _accuracy(advice: Advice) -> list[str]:
    """Return the worst-class accuracy on unseen samples, before and after."""
    before, after = (advice.candidates[key].evaluation.worst_class_accuracy for key in ("erm", advice.chosen))
    if advice.chosen == "erm":
        off = advice.candidates["masking_off"]
        if advice.case == "retraining_harms":
            worst = percent(off.evaluation.worst_class_accuracy)
            return [f"retraining without a mask changes the worst class from {percent(before)} to {worst}"]
        changed = int((off.predictions != advice.candidates["erm"].predictions).sum())
        return [f"retraining without a mask changes {changed or 'none'} of its {len(advice.labels)} predictions"]
    interval = f"95 % interval {expected(advice.candidate)}"
    if not advice.more_counterexamples and after <= before:
        worst = f"worst class {percent(after)} ({interval}), your head's {percent(before)}"
        return [f"the accuracy falls by no more than chance explains: {worst}"]
    return [f"on unseen samples the worst class changes from {percent(before)} to {percent(after)} ({interval})"]


def expected(candidate: Candidate) -> str:
    """Return the 95 % interval of the worst class on unseen samples, such as "41–88"."""
    _, low, high = candidate.worst_class_on_unseen
    return f"{100 * low:.0f}–{100 * high:.0f}"


def brings(advice: Advice) -> str:
    """Return what the heads would bring in the worst class on unseen samples, of each kind the best; a clause."""
    kinds: tuple[tuple[str, tuple[Key, ...]], ...] = (
        ("your head", ("erm",)),
        ("the mask alone", ("mask_alone",)),
        ("your mask alone", ("own_mask",)),
        ("retraining with a mask", tuple(key for key in MASKED if key not in MASK_ALONE)),
        ("without one", ("masking_off", "masking_off_held_out")),
        ("upweighted hard samples", ("weighted_up",)),
    )
    parts = []
    for kind, keys in kinds:
        worst = [advice.candidates[key].evaluation.worst_class_accuracy for key in keys if key in advice.candidates]
        parts += [f"{kind} {percent(max(worst), 0)}"] if worst else []
    return f"in the worst class on unseen samples, at best: {', '.join(parts)}"


def _mask(advice: Advice) -> list[str]:
    """Return what the mask adds to the same retraining without it, on the same set."""
    held_out = advice.chosen.endswith("held_out")
    off: Key = "masking_off_held_out" if held_out else "masking_off"
    masked: Key = "neurontune_held_out" if held_out else "neurontune"
    if advice.chosen.startswith("robust"):
        masked = advice.chosen
    if not {off, masked} <= set(advice.candidates):
        return []
    lead, error = advice.lead(masked, off)
    size = f"{100 * abs(lead):.1f} ± {100 * error:.1f} points"
    if abs(lead) <= error:
        return [f"the mask makes no difference beyond chance ({_signed(lead)} ± {100 * error:.1f} points)"]
    if lead > 0:
        return [f"the mask gains {size}" + ("" if advice.chosen in MASKED else ", too little to rely on")]
    return [f"the same retraining with a mask brings {size} less"]


def remarks(advice: Advice) -> list[str]:
    """Return failures, the stability of the masks, and the limits of the advice; full sentences."""
    notes = [*_few_units(advice), *_memorized(advice)]
    notes += [f"{name(advice, key)} could not be evaluated: {why}" for key, why in advice.failures.items()]
    masked = advice.candidates.get("neurontune_held_out") or advice.candidates.get("neurontune")
    if masked is not None:
        notes.append(_stability(advice, masked))
    if not advice.more_counterexamples and advice.mistakes.sum() < FEW_MISTAKES:
        notes.append(
            "Few mistakes do not prove that there is no shortcut: a set as biased as the training set shows few."
        )
    if advice.counterexamples is not None and not advice.more_counterexamples:
        identification, tuning = advice.splits
        notes.append(
            f"If {tuning} was collected like {identification}, both hide the same shortcut. A small set with more "
            "counter-examples would show it, and would be the best data to retrain on."
        )
    return notes


def _memorized(advice: Advice) -> list[str]:
    """Return what it means that the network has memorized the tuning set, where it seems so."""
    if not advice.memorized or advice.counterexamples is None:
        return []
    identification, tuning = advice.splits
    lowest = percent(advice.counterexamples.tuning_accuracy.min())
    erm = percent(advice.candidates["erm"].evaluation.worst_class_accuracy)
    return [
        f"The network seems to have memorized {tuning}, or all of {tuning} follows the shortcut: heads trained on one "
        f"half of it are right in {lowest} of the worst class of the other half, your head in {erm} of that of "
        f"{identification}, where the classes spread {advice.growth:.1f} times as wide. So {tuning} has hardly a "
        "mistake to learn from, and advice that rests on it is uncertain; samples that the network was not trained on "
        "are better to retrain on."
    ]


def _few_units(advice: Advice) -> list[str]:
    """Return how many distinct samples stand behind those of the identification set, where they are far fewer."""
    split, distinct = advice.splits[0], advice.distinct
    notes = []
    if distinct is not None and distinct.few:
        notes.append(
            f"The {distinct.samples:,} samples of {split} look like about {distinct.distinct:,} distinct ones: their "
            "embeddings are nearly the same, so accuracies on them say less about new ones than the intervals claim. "
            "Name the column that says which samples belong together (role unit)."
        )
    if advice.units is not None:
        by_class = units_by_class(advice.labels, advice.units, len(advice.class_names))
        notes.append(
            f"The {len(advice.labels):,} samples of {split} are {int(advice.units.max()) + 1:,} units of samples that "
            f"belong together, {int(by_class.min()):,} in the class with the fewest; no part tears them apart, and the "
            "intervals allow for it."
        )
    return notes


def _stability(advice: Advice, candidate: Candidate) -> str:
    """Return the masked share against chance, the agreement of two runs, and the loss by SFit's epoch."""
    chance, share = chance_share(len(advice.class_names)), candidate.masked_share
    text = f"NeuronTune masked {percent(share, 0)} of the neurons; on pure noise it masks {percent(chance, 0)}."
    if candidate.mask_overlap is not None:
        by_chance = share / (2 - share)  # the Jaccard index of two independent masks
        text += (
            f" Two runs, on other parts of the data, agreed on {percent(candidate.mask_overlap, 0)} of the neurons "
            f"that either masked ({percent(by_chance, 0)} if they were drawn at random)."
        )
    if candidate.sfit_shortfall:
        text += (
            f" The epoch that the paper's SFit would keep lies {100 * candidate.sfit_shortfall:.1f} points below the "
            "best one in worst-class accuracy."
        )
    return text


def evidence(advice: Advice) -> list[dict[str, str]]:
    """Return one row per candidate, measured on identification samples that it has not seen; the keys are the CLI's."""
    erm = advice.candidates["erm"].predictions == advice.labels
    rows = []
    for key, candidate in advice.candidates.items():
        correct = candidate.predictions == advice.labels
        parts = [_worst(correct[part], advice.labels[part]) for part in candidate.judged]
        rows.append(
            {
                "head": name(advice, key),
                "worst class, %": f"{100 * candidate.evaluation.worst_class_accuracy:.1f}",
                "95 % interval": expected(candidate),
                "average, %": f"{100 * candidate.evaluation.accuracy:.1f}",
                "fixed": str(int((correct & ~erm).sum())),
                "broken": str(int((erm & ~correct).sum())),
                "over the parts, %": f"{100 * min(parts):.0f}–{100 * max(parts):.0f}" if len(parts) > 1 else "–",
                "masked, %": f"{100 * candidate.masked_share:.0f}" if candidate.masked_share else "–",
                "advised": "yes" if key == advice.chosen else "",
            }
        )
    return rows


def _worst(correct: np.ndarray, labels: np.ndarray) -> float:
    return min(float(correct[labels == label].mean()) for label in np.unique(labels))


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
