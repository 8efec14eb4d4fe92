"""Lemma 2, Proposition 4.1, and Lemma 3 with A.3 as answers: one for screen, command line and file."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import lru_cache

import numpy as np

from neurontune_core.tables import percent
from neurontune_core.theory.answers import KEPT, Answer
from neurontune_core.theory.data_model import DataModel
from neurontune_core.theory.lemma import SAMPLES, Weights, exact, printed
from neurontune_core.theory.loss import terms
from neurontune_core.theory.majority import exact_majority, measured_majority, printed_majority
from neurontune_core.theory.principle import principle as turn_signs
from neurontune_core.theory.retraining import (
    exact_retraining,
    measured_retraining,
    printed_retraining,
    reweighted,
)

_FITTED = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@lru_cache(KEPT)
def majority(model: DataModel, seed: int = 0) -> Answer:
    """Answer Lemma 2 at ``model`` and over p."""
    from neurontune_core.theory.figures_lemmas import majorities

    kinds = {
        "as printed": printed_majority(model),
        "exact": exact_majority(model),
        "counted": measured_majority(model, seed=seed),
    }
    return Answer(
        "majority",
        asdict(model) | {"shares": {name: _plain(part._asdict()) for name, part in kinds.items()}},
        [
            {
                "": name,
                "agrees, of correct": percent(part.agreeing),
                "misled, of mistakes": percent(part.misled) if part.misled == part.misled else "no mistake",
                "mistakes": percent(part.mistakes),
            }
            for name, part in kinds.items()
        ],
        f"At p = {model.p:.2f}. Printed: Eq. 42 to 47 with the weights of Lemma 1. Exact: the least-squares model of "
        "the classes. Counted: in 200,000 samples.",
        {"majority": majorities(model)},
    )


@lru_cache(KEPT)
def principle(model: DataModel, neurons: int = 100, seed: int = 0) -> Answer:
    """Answer Proposition 4.1 on one random network."""
    from neurontune_core.theory.figures_lemmas import carried_weight

    shown = turn_signs(model, neurons, seed)
    turned = shown.turned < 0
    sides = {"selected (γᵀw_spu < 0)": shown.selected, "spared": ~shown.selected}
    rows = [
        {
            "neurons": name,
            "how many": str(int(rows.sum())),
            "shortcut weight": f"{shown.carried[rows].sum():.3f}",
            "selected, signs turned": str(int((rows & turned).sum())),
        }
        for name, rows in sides.items()
    ]
    return Answer(
        "principle",
        asdict(model)
        | {"neurons": neurons, "selected": int(shown.selected.sum()), "largest_change": shown.largest_change}
        | {"carried": {"selected": float(shown.carried[shown.selected].sum()), "all": float(shown.carried.sum())}}
        | {"selected_after_turning": int(turned.sum())},
        rows,
        f"One random network of {neurons} neurons, the best linear model. The parts of its weight on the shortcut "
        f"add up to {shown.carried.sum():.3f}. Turning all signs changes its function by {shown.largest_change:.3f}.",
        {"carried": carried_weight(shown)},
    )


@lru_cache(KEPT)
def retraining(model: DataModel, agreement: float = 0.7, weight: float = 1.0, seed: int = 0) -> Answer:
    """Answer Lemma 3 and Eq. 51: retraining on data of another agreement, whose misled samples count ``weight`` times.

    Raises:
        InputError: for an agreement out of range, or a weight that turns the shortcut round.
    """
    from neurontune_core.theory.figures_lemmas import loss_terms, retrained_weights

    data = replace(model, p=agreement)
    effective = reweighted(data, weight)
    kinds = {
        "trained, exact": exact(model),
        "retrained, Eq. 48": printed_retraining(model, agreement),
        "retrained, exact": exact_retraining(model, agreement),
        "re-weighted, exact": exact_retraining(model, effective),
        "re-weighted, least squares": measured_retraining(model, agreement, weight, seed=seed),
    }
    fitted = np.array([measured_retraining(model, p, seed=seed).spurious for p in _FITTED])
    compared = {
        "printed, Lemma 1": printed(model),
        "exact": exact(model),
        "re-weighted": exact_retraining(model, effective),
        "unbiased": Weights(1.0, 0.0),
    }
    parts = {name: terms(model, pair) for name, pair in compared.items()}
    return Answer(
        "retraining",
        asdict(model)
        | {"agreement": agreement, "weight": weight, "effective_agreement": effective, "samples": SAMPLES}
        | {"weights": {name: pair._asdict() for name, pair in kinds.items()}}
        | {"loss": {name: part._asdict() | {"total": part.total} for name, part in parts.items()}},
        [
            {"weight on": name, "the core feature": f"{pair.core:.3f}", "the shortcut": f"{pair.spurious:.3f}"}
            for name, pair in kinds.items()
        ],
        f"Trained at p = {model.p:.2f}, retrained at p_re = {agreement:.2f}, where a misled sample counts {weight:g} "
        f"times, as if the shortcut agreed in {percent(effective)}. Bars: Eq. 51 on the training data.",
        {
            "retrained": retrained_weights(model, agreement, (np.array(_FITTED), fitted)),
            "terms": loss_terms(parts),
        },
    )


def _plain(shares: dict[str, float]) -> dict[str, float | None]:
    """Return the shares as JSON can hold them."""
    return {name: None if share != share else share for name, share in shares.items()}
