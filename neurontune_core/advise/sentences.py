"""The advice in words: what to do, which case this is, and because of what."""

from __future__ import annotations

import numpy as np

from neurontune_core.advise.crossfit import Candidate, Key
from neurontune_core.advise.rule import Advice, Case
from neurontune_core.identification.scores import FEW_MISTAKES, chance_share
from neurontune_core.tables import percent

CASES: dict[Case, str] = {
    "too_few": "Too few samples to say",
    "no_signal": "No head does better than guessing",
    "little_evidence": "Little evidence; masking off is harmless",
    "hard_samples": "Retrain with the hard samples weighted up",
    "nothing_to_mend": "There is nothing to mend that this data could show",
    "retraining_harms": "Retraining does harm here",
    "masking_off": "Retrain without a mask",
    "masking_harms": "Masking does harm here",
    "neurontune": "Mask and retrain",
}


def name(advice: Advice, key: Key) -> str:
    """What a candidate is called beside the others."""
    identification, tuning = advice.splits
    return {
        "erm": "your head",
        "masking_off": f"masking off, on {tuning}",
        "neurontune": f"NeuronTune, on {tuning}",
        "weighted_up": f"hard samples weighted up, on {tuning} and {identification}",
        "masking_off_held_out": f"masking off, on {identification}",
        "neurontune_held_out": f"NeuronTune†, on {identification}",
    }[key]


def what(advice: Advice) -> str:
    """What to do; a clause."""
    identification, tuning = advice.splits
    return {
        "erm": "keep your head",
        "masking_off": f"retrain the head on {tuning} without a mask (masking off)",
        "neurontune": f"mask and retrain the head on {tuning} (NeuronTune)",
        "weighted_up": f"retrain the head on {tuning} and {identification}, with the hard samples weighted up",
        "masking_off_held_out": f"retrain the head on {identification} without a mask (masking off)",
        "neurontune_held_out": f"mask and retrain the head on {identification} (NeuronTune†)",
    }[advice.chosen]


def sentence(advice: Advice) -> str:
    """ "On your data: ..., because ...": one sentence."""
    return f"On your data: {what(advice)}, because {'; '.join(reasons(advice))}."


def reasons(advice: Advice) -> list[str]:
    """Why, the strongest reason first; clauses without a full stop."""
    if advice.case == "too_few":
        return ["a class has too few samples to be cut into parts that tune, choose and judge; add samples of it"]
    if advice.case == "no_signal":
        return [
            f"no head that was tried tells the classes of {advice.splits[0]} apart better than guessing does, so there "
            "is nothing to choose by; look at the labels and at the model first"
        ]
    return [_counterexamples(advice), *_hard(advice), *_accuracy(advice), *_mask(advice)]


def _hard(advice: Advice) -> list[str]:
    """Whether any sample is hard, where that decides."""
    if advice.case == "little_evidence":
        return ["every sample lies nearest to the mean of its own class, so none stands out as a counter-example"]
    if advice.case == "hard_samples":
        share = percent(advice.candidate.hard_share)
        return [
            f"{share} of the samples of both are hard: they lie nearer to the mean of another class than to that of "
            "their own; where there is a shortcut, its counter-examples are often among them"
        ]
    return []


def _counterexamples(advice: Advice) -> str:
    found = advice.counterexamples
    identification, tuning = advice.splits
    assert found is not None
    label = found.label
    on_tuning, on_identification = (
        percent(found.tuning_accuracy[label]),
        percent(found.identification_accuracy[label]),
    )
    if found.more:
        return (
            f"{identification} holds more counter-examples than {tuning}: heads trained on one half of {tuning} get "
            f'class "{advice.class_names[label]}" right in {on_tuning} of the other half, but only in '
            f"{on_identification} of {identification} ({found.standard_errors[label]:.1f} standard errors)"
        )
    return (
        f"{identification} shows no more counter-examples than {tuning} (heads trained on one half of {tuning} get "
        f'class "{advice.class_names[label]}" right in {on_tuning} of the other half and in {on_identification} of '
        f"{identification}, which chance explains), so it cannot show a shortcut that both share"
    )


def _accuracy(advice: Advice) -> list[str]:
    """The worst class on unseen samples, before and after."""
    before, after = (advice.candidates[key].evaluation.worst_class_accuracy for key in ("erm", advice.chosen))
    if advice.chosen == "erm":
        off = advice.candidates["masking_off"]
        if advice.case == "retraining_harms":
            worst = percent(off.evaluation.worst_class_accuracy)
            return [f"retraining without a mask brings the worst class from {percent(before)} to {worst}"]
        changed = int((off.predictions != advice.candidates["erm"].predictions).sum())
        return [f"retraining without a mask changes {changed or 'none'} of its {len(advice.labels)} predictions there"]
    if not advice.more_counterexamples and after <= before:
        worst = f"worst class {percent(after)}, your head's {percent(before)}"
        return [f"there it costs no more than chance explains: {worst}"]
    return [f"on samples that it had not seen the worst class goes from {percent(before)} to {percent(after)}"]


def _mask(advice: Advice) -> list[str]:
    """What the mask adds to the same retraining without it, on the same set."""
    held_out = advice.chosen.endswith("held_out")
    off: Key = "masking_off_held_out" if held_out else "masking_off"
    masked: Key = "neurontune_held_out" if held_out else "neurontune"
    if not {off, masked} <= set(advice.candidates):
        return []
    lead, error = advice.lead(masked, off)
    size = f"{100 * abs(lead):.1f} ± {100 * error:.1f} points"
    if abs(lead) <= error:
        return [f"the mask makes no difference beyond chance ({_signed(lead)} ± {100 * error:.1f} points)"]
    if lead > 0 and not advice.chosen.startswith("neurontune"):
        return [f"the mask gains {size}, not enough to be trusted there"]
    return [f"the mask {'gains' if lead > 0 else 'costs'} {size}"]


def remarks(advice: Advice) -> list[str]:
    """What else there is to know: full sentences."""
    found = [f"{name(advice, key)} could not be tried: {why}" for key, why in advice.failures.items()]
    masked = advice.candidates.get("neurontune_held_out") or advice.candidates.get("neurontune")
    if masked is not None:
        found.append(_stability(advice, masked))
    if not advice.more_counterexamples and advice.mistakes.sum() < FEW_MISTAKES:
        found.append(
            "Few mistakes do not prove that there is no shortcut: a set as biased as the training set shows few."
        )
    if advice.counterexamples is not None and not advice.more_counterexamples:
        identification, tuning = advice.splits
        found.append(
            f"If {tuning} was collected like {identification}, a shortcut hides in both. A small set with more "
            "counter-examples would show it, and would be the best data to retrain on."
        )
    return found


def _stability(advice: Advice, candidate: Candidate) -> str:
    """Masked share against chance, how far two runs agree, and what SFit would have cost."""
    chance, share = chance_share(len(advice.class_names)), candidate.masked_share
    text = f"NeuronTune masked {100 * share:.0f} % of the neurons; on pure noise it masks {100 * chance:.0f} %."
    if candidate.mask_overlap is not None:
        by_chance = share / (2 - share)  # of two masks drawn apart from each other
        text += (
            f" Two runs, on other parts of the data, agreed on {100 * candidate.mask_overlap:.0f} % of the neurons "
            f"that either masked ({100 * by_chance:.0f} % if they were drawn at random)."
        )
    if candidate.sfit_shortfall:
        text += (
            f" The epoch that the paper's SFit would keep lies {100 * candidate.sfit_shortfall:.1f} points below the "
            "best one in worst-class accuracy."
        )
    return text


def evidence(advice: Advice) -> list[dict[str, str]]:
    """One row a candidate, all measured on identification samples that it had not seen."""
    erm = advice.candidates["erm"].predictions == advice.labels
    rows = []
    for key, each in advice.candidates.items():
        right = each.predictions == advice.labels
        low, high = each.evaluation.worst_class.interval
        parts = [_worst(right[rows], advice.labels[rows]) for rows in each.judged]
        rows.append(
            {
                "head": name(advice, key),
                "worst class, %": f"{100 * each.evaluation.worst_class_accuracy:.1f}",
                "95 % interval": f"{100 * low:.0f}–{100 * high:.0f}",
                "average, %": f"{100 * each.evaluation.accuracy:.1f}",
                "fixed": str(int((right & ~erm).sum())),
                "broken": str(int((erm & ~right).sum())),
                "over the parts, %": f"{100 * min(parts):.0f}–{100 * max(parts):.0f}" if len(parts) > 1 else "–",
                "masked, %": f"{100 * each.masked_share:.0f}" if each.masked_share else "–",
                "advised": "yes" if key == advice.chosen else "",
            }
        )
    return rows


def _worst(right: np.ndarray, labels: np.ndarray) -> float:
    return min(float(right[labels == label].mean()) for label in np.unique(labels))


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
