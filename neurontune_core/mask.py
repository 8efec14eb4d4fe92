"""Mask: which neurons are masked, and why; kept as ``mask.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json
from neurontune_core.limits import MAX_NEURONS

FORMAT = "neurontune-mask/1"
MaskSource = Literal["cue", "both"]  # what selects neurons beside verdicts; without a cue it is the score


def with_verdicts(biased: np.ndarray, always: np.ndarray | None = None, never: np.ndarray | None = None) -> np.ndarray:
    """Apply a user's verdicts to the neurons that Eq. 6 selects: (biased or judged spurious) and not judged core.

    Args:
        biased: [M] or [C, M] bool, such as ``scores > threshold``.
        always: [M] bool, the neurons judged spurious: masked whatever their score; None for none.
        never: [M] bool, the neurons judged core: never masked; where both are set, this one wins.

    Returns:
        the masked neurons, bool, in the shape of ``biased``.

    Raises:
        InputError: when a verdict array is not [M] booleans.

    >>> scores = np.array([0.3, -0.1, 0.2])
    >>> with_verdicts(scores > 0, always=np.array([False, True, False]), never=np.array([False, False, True])).tolist()
    [True, True, False]
    """
    neurons = biased.shape[-1]
    masked = biased
    if always is not None:
        masked = masked | check_verdicts("always", always, neurons)
    if never is not None:
        masked = masked & ~check_verdicts("never", never, neurons)
    return masked


@dataclass(frozen=True, eq=False)
class CueMask:
    """The neurons that respond to a cue, as the source of a mask or a part of it.

    Attributes:
        name: of the cue.
        effects: [M] float32, how far the cue moves each neuron, in standard deviations of the neuron.
        threshold: of the effect; a neuron responds when its effect is larger, in either direction.
        source: "cue" masks these neurons, "both" those that the scores select, too.
        groups: the groups that a person named as the cue, whose labels were read for it.

    Raises:
        InputError: when the threshold is negative, or the source is none.

    >>> CueMask("tag", np.array([0.5, -0.4, 0.1], dtype=np.float32), 0.3).neurons.tolist()
    [True, True, False]
    """

    name: str
    effects: np.ndarray
    threshold: float
    source: MaskSource = "cue"
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < np.inf:
            raise InputError(f"Expected an effect of 0 or more standard deviations, but got {self.threshold:g}.")
        if self.source not in get_args(MaskSource):
            raise InputError(f'The source of a mask is "cue" or "both", but got "{self.source}".')

    @property
    def neurons(self) -> np.ndarray:
        """Return [M] bool, the neurons that respond to the cue."""
        return np.asarray(np.abs(self.effects) > np.float32(self.threshold))

    @property
    def largest(self) -> float:
        """Return the largest effect, in either direction."""
        return float(np.abs(self.effects).max())


def by_source(biased: np.ndarray, cue: CueMask | None) -> np.ndarray:
    """Return the neurons that the source of a mask selects, before a person's verdicts.

    Args:
        biased: [M] or [C, M] bool, those that Eq. 6 selects.
        cue: the cue, if it selects any.

    Raises:
        InputError: when the cue was measured on another number of neurons.

    >>> cue = CueMask("tag", np.array([0.5, 0.1], dtype=np.float32), 0.3, "both")
    >>> by_source(np.array([False, True]), cue).tolist(), by_source(np.array([False, True]), None).tolist()
    ([True, True], [False, True])
    """
    if cue is None:
        return biased
    neurons = check_verdicts(f'the cue "{cue.name}"', cue.neurons, biased.shape[-1])
    return biased | neurons if cue.source == "both" else np.broadcast_to(neurons, biased.shape)


def check_verdicts(name: str, verdicts: np.ndarray, num_neurons: int) -> np.ndarray:
    """Return verdicts as [M] bool.

    Args:
        name: of the argument, for the message.
        verdicts: what a caller passed.
        num_neurons: M.

    Raises:
        InputError: when they are not M booleans.

    >>> check_verdicts("always", [True, False], 2).tolist()
    [True, False]
    """
    array = np.asarray(verdicts)
    if array.shape != (num_neurons,) or array.dtype != bool:
        raise InputError(
            f"Expected {name} to be {num_neurons} booleans, one per neuron, but got {array.dtype} values of shape "
            f"{list(array.shape)}; set the places of the neurons to True."
        )
    return array


@dataclass(frozen=True, eq=False)
class Mask:
    """The masked neurons of a tuned head.

    Attributes:
        biased: [M] bool.
        threshold: λ of Eq. 6 that selected them.
        mask_value: what their activations are multiplied by; folded into the head already.
        verdicts: a user's judgments, neuron -> "spurious", "core" or "unsure".
        source: how the mask was made; JSON-able.
        class_scores: neuron -> class name -> score (Eq. 5), of masked and judged neurons; empty where no score selected
            any. `SpuriousnessScores.by_class_name` makes them.
        explanation: why nothing is masked, or by what rule; a sentence, or empty.
        cue: the cue that selected neurons, if one did; of its effects those of masked neurons are kept on disk.
    """

    biased: np.ndarray
    threshold: float
    mask_value: float
    verdicts: Mapping[int, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    class_scores: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    explanation: str = ""
    cue: CueMask | None = None

    @property
    def num_neurons(self) -> int:
        return len(self.biased)

    @property
    def num_biased(self) -> int:
        return int(self.biased.sum())

    def reasons(self, neuron: int) -> tuple[str, ...]:
        """Return how a neuron came to be masked, or spared: "score", "cue", "judged spurious", "judged core".

        >>> mask = Mask(np.array([True, True, False]), 0.0, 0.0, {1: "spurious", 2: "core"}, {}, {1: {"a": -0.5}})
        >>> [mask.reasons(neuron) for neuron in range(3)]
        [('score',), ('judged spurious',), ('judged core',)]
        """
        verdict = self.verdicts.get(neuron)
        if verdict == "core" and not self.biased[neuron]:
            return ("judged core",)
        by_verdict, by_cue = verdict == "spurious", self.cue is not None and bool(self.cue.neurons[neuron])
        scores = self.class_scores.get(neuron)
        if self.cue is not None and self.cue.source == "cue":
            by_score = False
        elif scores is None:
            by_score = not by_verdict and not by_cue
        else:
            by_score = any(score > self.threshold for score in scores.values())
        return ("score",) * by_score + ("cue",) * by_cue + ("judged spurious",) * by_verdict

    def save(self, path: str | Path) -> None:
        """Write the mask as JSON, with the reasons and scores of every neuron that is masked or was judged."""
        judged = [neuron for neuron, verdict in self.verdicts.items() if verdict in ("spurious", "core")]
        listed = sorted({*np.flatnonzero(self.biased).tolist(), *judged})
        write_json(
            Path(path),
            {
                "format": FORMAT,
                "num_neurons": self.num_neurons,
                "biased": np.flatnonzero(self.biased).tolist(),
                "threshold": self.threshold,
                "mask_value": self.mask_value,
                "verdicts": {str(neuron): verdict for neuron, verdict in sorted(self.verdicts.items())},
                "source": dict(self.source),
                "explanation": self.explanation,
                **self._cue_facts(),
                "neurons": [
                    {
                        "neuron": neuron,
                        "masked": bool(self.biased[neuron]),
                        "reasons": list(self.reasons(neuron)),
                        "scores": dict(self.class_scores.get(neuron, {})),
                        **({} if self.cue is None else {"effect": float(self.cue.effects[neuron])}),
                    }
                    for neuron in listed
                ],
            },
        )

    def _cue_facts(self) -> dict[str, Any]:
        cue = self.cue
        if cue is None:
            return {}
        facts = {"name": cue.name, "threshold": cue.threshold, "source": cue.source, "groups": list(cue.groups)}
        return {"cue": facts}

    @classmethod
    def load(cls, path: str | Path) -> Mask:
        """Read a mask.

        Raises:
            InputError: when the file is missing, is not a mask, or names a neuron that does not exist.
        """
        path = Path(path)
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise InputError(f'{path} is not a mask (expected format "{FORMAT}").')
        try:
            if not 0 < int(content["num_neurons"]) <= MAX_NEURONS:
                raise InputError(f"{path} is of {content['num_neurons']} neurons; up to {MAX_NEURONS:,} are read.")
            biased = np.zeros(int(content["num_neurons"]), dtype=bool)
            chosen = np.array(content["biased"], dtype=np.int64)
            if len(chosen) and not 0 <= chosen.min() <= chosen.max() < len(biased):
                raise InputError(f"{path} names a neuron outside 0..{len(biased) - 1}.")
            biased[chosen] = True
            return cls(
                biased,
                float(content["threshold"]),
                float(content["mask_value"]),
                {int(neuron): str(verdict) for neuron, verdict in content.get("verdicts", {}).items()},
                dict(content.get("source", {})),
                {int(row["neuron"]): dict(row["scores"]) for row in content.get("neurons", []) if row["scores"]},
                str(content.get("explanation", "")),
                _cue(content, len(biased)),
            )
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} is not a whole mask ({type(error).__name__}: {error}).") from None


def _cue(content: Mapping[str, Any], num_neurons: int) -> CueMask | None:
    """Return the cue of a mask on disk, with the effects that are written there; others are 0."""
    if content.get("cue") is None:
        return None
    effects = np.zeros(num_neurons, dtype=np.float32)
    for row in content.get("neurons", []):
        effects[int(row["neuron"])] = float(row["effect"])
    facts = content["cue"]
    return CueMask(
        str(facts["name"]), effects, float(facts["threshold"]), facts["source"], tuple(map(str, facts["groups"]))
    )
