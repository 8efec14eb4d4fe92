"""The heads that a project offers, each with one name everywhere: trained, mask alone, no masking, retrained …"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.mask import CueMask, Mask, by_source, with_verdicts
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.journal import Choice, neurons_judged
from neurontune_core.workspace.run import Run

HeadKey = Literal["trained", "mask", "masking-off", "retrained", "advised"]
NAMES: dict[HeadKey, str] = {
    "trained": "Trained",
    "mask": "Mask alone",
    "masking-off": "No masking",
    "retrained": "Retrained",
    "advised": "Advised",
}
EXPLANATIONS: dict[HeadKey, str] = {
    "trained": "The classifier as it came (ERM); no neuron is masked.",
    "mask": "The trained head with λ or the cue, mask value and verdicts as they are now, not retrained.",
    "masking-off": "Class-balanced retraining in which no neuron is masked by its score; the baseline of the mask.",
    "retrained": "NeuronTune: the last layer retrained with the mask.",
    "advised": "The head that the adviser recommends for this run, without group labels.",
}


@dataclass(frozen=True, eq=False)
class NamedHead:
    """A head that can be chosen, measured and exported.

    Attributes:
        key: which head it is.
        head: the head, its mask folded in.
        mask: the masked neurons and why; without any it says why none is.
        run: the retraining that it comes from; None for the trained head and the mask alone.
        notes: sentences on what the head does not hold, such as a verdict that was given after it was retrained.
    """

    key: HeadKey
    head: LinearHead
    mask: Mask
    run: Run | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what the head is called on every screen and in every file."""
        return NAMES[self.key]

    @property
    def config(self) -> TuneConfig:
        """Return the settings behind the head; of a head that was not retrained, λ and the mask value alone count."""
        if self.run is None:
            stability = float(self.mask.source.get("stability", 0.0))
            return TuneConfig(threshold=self.mask.threshold, mask_value=self.mask.mask_value, stability=stability)
        return replace(self.run.config, masking=self.key != "masking-off")


def available(diagnosis: Diagnosis, run: Run | None) -> tuple[HeadKey, ...]:
    """Return the keys of the heads that exist, in the order in which a person meets them.

    Args:
        diagnosis: the project.
        run: the chosen retraining; None before there is one.
    """
    keys: list[HeadKey] = ["trained"]
    if diagnosis.num_misclassified or diagnosis.judged("spurious").any() or diagnosis.cue_mask() is not None:
        keys.append("mask")
    if run is not None and is_current(diagnosis, run):
        keys += ["masking-off", "retrained"]
        if run.advice is not None:
            keys.append("advised")
    return tuple(keys)


def usual(diagnosis: Diagnosis, run: Run | None) -> HeadKey:
    """Return the head that a new session begins with: the one chosen last, else the newest that a person made."""
    keys, choice = available(diagnosis, run), diagnosis.project.journal.choice()
    if isinstance(choice, Choice) and (run is None or choice.at > run.created):
        chosen = [key for key in keys if key == choice.head_after]
        if chosen:
            return chosen[0]
    if "retrained" in keys:
        return "retrained"
    edited = bool(diagnosis.verdicts() or diagnosis.project.journal.settings())
    return "mask" if edited and "mask" in keys else "trained"


def is_current(diagnosis: Diagnosis, run: Run) -> bool:
    """Return whether a run was made from the vectors that the project has now."""
    if run.mask.num_neurons != diagnosis.erm.num_neurons:
        return False
    return run.embeddings in ("", diagnosis.identification.fingerprint)


def named_head(
    diagnosis: Diagnosis,
    key: HeadKey,
    *,
    run: Run | None = None,
    threshold: float = 0.0,
    mask_value: float = 0.0,
    stability: float = 0.0,
    cue: CueMask | None = None,
) -> NamedHead:
    """Return a head under its name, bound by the verdicts as they are now.

    The trained head stays as it came. In every other one, neurons judged spurious are masked, also those that were
    judged after the retraining; one judged core after the retraining that masked it is named in ``notes``.

    Args:
        diagnosis: the project.
        key: which head.
        run: the retraining, for the heads that come from one.
        threshold, mask_value, stability: λ, the factor of masked activations, and the standard errors by which a score
            must exceed λ, for the mask alone.
        cue: the source of the mask alone; by default the one of now.

    Raises:
        InputError: when the head does not exist, or its run was made from other vectors.
    """
    if key == "trained":
        return NamedHead(key, diagnosis.erm, _empty_mask(diagnosis, "The head as it was trained: nothing is masked."))
    if key == "mask":
        cue = diagnosis.cue_mask() if cue is None else cue
        return _mask_alone(diagnosis, threshold, mask_value, stability, cue)
    if run is None:
        raise InputError(f'There is no head "{key}" yet: nothing is retrained in this project; press Retrain first.')
    if not is_current(diagnosis, run):
        raise InputError(
            f"Run {run.id} was made from an earlier extraction of this project, so its heads do not fit; retrain."
        )
    if key == "retrained":
        return _bound(diagnosis, NamedHead(key, run.head, run.mask, run))
    if key == "masking-off":
        return _bound(diagnosis, NamedHead(key, run.off_head, _mask_without_scores(run), run))
    advice, head = run.advice, run.advised_head
    if advice is None or head is None:
        raise InputError(f"The adviser was not asked about run {run.id}; ask it on the Retrain screen.")
    masked = np.zeros(run.mask.num_neurons, dtype=bool)
    masked[list(advice.masked)] = True
    explanation = f"The adviser's head: {advice.method}. Masked are the neurons that all the runs it averages mask."
    return _bound(diagnosis, NamedHead(key, head, _mask_of_run(run, masked, explanation), run))


def check_exportable(named: NamedHead) -> None:
    """Raise InputError for a mask alone that masks nothing, or everything."""
    if named.key != "mask":
        return
    mask = named.mask
    if not mask.num_biased:
        raise InputError(
            f"No neuron is masked (λ {mask.threshold:g}, none judged spurious), so the mask alone would be the trained "
            "head; lower λ, judge a neuron spurious, or export the trained head."
        )
    if mask.num_biased == mask.num_neurons and mask.mask_value == 0:
        raise InputError(
            f"All {mask.num_neurons} neurons are masked, which leaves nothing to classify with; raise λ, or judge some "
            "neurons core."
        )


def _empty_mask(diagnosis: Diagnosis, explanation: str) -> Mask:
    nothing = np.zeros(diagnosis.erm.num_neurons, dtype=bool)
    source = {"identification": diagnosis.identification.split}
    return Mask(nothing, 0.0, 0.0, diagnosis.verdicts(), source, explanation=explanation)


def _mask_alone(
    diagnosis: Diagnosis, threshold: float, mask_value: float, stability: float, cue: CueMask | None
) -> NamedHead:
    verdicts, names = diagnosis.verdicts(), diagnosis.identification.class_names
    scores: Mapping[int, Mapping[str, float]] = {}
    try:
        biased = diagnosis.mask_scores(stability) > threshold
    except NoMistakes:
        biased = np.zeros(diagnosis.erm.num_neurons, dtype=bool)
    masked = with_verdicts(by_source(biased, cue), diagnosis.judged("spurious"), diagnosis.judged("core"))
    explanation = "Only neurons judged spurious: nothing is misclassified, so there are no scores."
    if diagnosis.num_misclassified:
        listed = sorted({*np.flatnonzero(masked).tolist(), *verdicts})
        scores = diagnosis.scores.by_class_name(names, listed)
        selected = f"Neurons with a score {_above(stability)} for any class"
        explanation = f"{selected}, and those judged spurious, but none judged core."
    if cue is not None:
        explanation = f"{_selected(cue, stability)}, and those judged spurious, but none judged core."
    source: dict[str, object] = {"identification": diagnosis.identification.split, "head": "mask alone"}
    if stability:
        source["stability"] = stability
    mask = Mask(masked, threshold, mask_value, verdicts, source, scores, explanation, cue)
    head = diagnosis.masked_head(masked, mask_value)
    provenance = {"method": "mask alone", "threshold": threshold, "mask_value": mask_value, "stability": stability}
    if cue is not None:
        provenance |= {"cue": cue.name, "cue_effect": cue.threshold, "mask_source": cue.source}
    return NamedHead("mask", replace(head, provenance=provenance), mask)


def _selected(cue: CueMask, stability: float) -> str:
    """Return which neurons a cue selects, as the beginning of a sentence."""
    responding = f'that the cue "{cue.name}", which a person pointed at, moves by more than {cue.threshold:g} SD'
    return (
        f"Neurons {responding}"
        if cue.source == "cue"
        else f"Neurons with a score {_above(stability)}, those {responding}"
    )


def _above(stability: float) -> str:
    return f"above λ by {stability:g} standard errors" if stability else "above λ"


def _mask_without_scores(run: Run) -> Mask:
    spurious, core = (
        neurons_judged(run.mask.verdicts, verdict, run.mask.num_neurons) for verdict in ("spurious", "core")
    )
    masked = with_verdicts(np.zeros(run.mask.num_neurons, dtype=bool), spurious, core)
    explanation = "Class-balanced retraining without a mask: only neurons judged spurious are masked."
    return _mask_of_run(run, masked, explanation)


def _mask_of_run(run: Run, masked: np.ndarray, explanation: str) -> Mask:
    mask = run.mask
    return Mask(masked, mask.threshold, mask.mask_value, mask.verdicts, mask.source, explanation=explanation)


def _bound(diagnosis: Diagnosis, named: NamedHead) -> NamedHead:
    """Apply the verdicts of now to a head of a run: fold in what was judged spurious since, and note what cannot be."""
    mask, now = named.mask, diagnosis.verdicts()
    spurious, core = diagnosis.judged("spurious"), diagnosis.judged("core")
    since = spurious & ~core & ~mask.biased
    withdrawn = neurons_judged(mask.verdicts, "spurious", mask.num_neurons) & mask.biased & ~spurious
    head = named.head.masked(np.where(since, mask.mask_value, 1.0)) if since.any() else named.head
    changes = (
        (since, "judged spurious after the retraining: masked in its head, which was not retrained for it."),
        (core & mask.biased, "judged core, but masked when this head was retrained; retrain to spare them."),
        (withdrawn & ~core, "judged spurious when this head was retrained, and no more; retrain to spare them."),
    )
    verdicts = dict.fromkeys(np.flatnonzero(withdrawn & ~core).tolist(), "spurious") | now
    bound = replace(mask, biased=mask.biased | since, verdicts=verdicts)
    notes = tuple(f"{_neurons(neurons)} {what}" for neurons, what in changes if neurons.any())
    notes += _cue_notes(named, diagnosis.cue_mask())
    return replace(named, head=head, mask=bound, notes=notes)


def _cue_notes(named: NamedHead, now: CueMask | None) -> tuple[str, ...]:
    """Return what a head that was retrained with a mask does not hold of the cue as it is set now."""
    made = named.mask.cue
    facts = [each and (each.name, each.threshold, each.source) for each in (made, now)]
    if named.key != "retrained" or facts[0] == facts[1]:
        return ()
    before, after = (
        f'the cue "{each.name}" masked from {each.threshold:g} SD' if each else "no cue masked" for each in (made, now)
    )
    return (f"This head was retrained with {before}; now there is {after}. Retrain to follow.",)


def _neurons(chosen: np.ndarray) -> str:
    numbers = np.flatnonzero(chosen).tolist()
    listed = ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
    return f"Neuron{'s' * (len(numbers) > 1)} {listed} {'were' if len(numbers) > 1 else 'was'}"
