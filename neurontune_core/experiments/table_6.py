"""Table 6 as one table: what the worst class keeps of NeuronTune and AFR, measured, beside the published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from neurontune_core.baselines.registry import METHODS
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.experiments.ablation_run import MEASURES, VariantResult
from neurontune_core.experiments.published import with_sd
from neurontune_core.experiments.published_tables import MASKING_OFF, TABLE_4, TABLE_6
from neurontune_core.head import LinearHead

AFR = "AFR, worst class"
PUBLISHED = "published, Waterbirds / CelebA"
# Rule and masking of a measured row -> what the paper prints for it, on Waterbirds and CelebA.
_PRINTED = {
    ("SFit (the paper)", "on"): TABLE_4["identify on val, tune on train"][:2],
    ("SFit (the paper)", "off"): TABLE_4[MASKING_OFF][:2],
    ("worst class", "on"): TABLE_6["NeuronTune"],
    (AFR, "–"): TABLE_6["AFR"],
}


def measure_afr(head: LinearHead, sets: Mapping[str, EmbeddingSet]) -> VariantResult:
    """Run AFR, which chooses its γ by worst class on the identification set, and measure it on the evaluation set."""
    row = VariantResult({"rule": AFR, "masking": "–"}, {})
    try:
        result = METHODS["afr"].run(head, sets["identification"], sets["tuning"])
    except InputError as error:
        return replace(row, error=str(error))
    measured = evaluate(result.head, sets["evaluation"])
    values = {name: getattr(measured, attribute) for name, attribute in MEASURES.items()}
    return replace(row, values={name: (value,) for name, value in values.items() if value is not None})


def with_published_rules(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Add the published worst groups to the rows of the rules, and a row for JTT, which trains the whole network.

    >>> rows = with_published_rules([{"rule": "worst class", "masking": "on", "worst group": "80.1"}])
    >>> rows[0][PUBLISHED], rows[1]["rule"], rows[1]["worst group"]
    ('91.8 ± 0.8 / 83.0 ± 2.8', 'JTT, worst class', 'trains the network')
    """
    table = [dict(row) | {PUBLISHED: _printed(_PRINTED.get((row["rule"], row["masking"])))} for row in rows]
    empty = dict.fromkeys(table[0], "–")
    jtt = {"rule": "JTT, worst class", "worst group": "trains the network", PUBLISHED: _printed(TABLE_6["JTT"])}
    return [*table, empty | {name: value for name, value in jtt.items() if name in empty}]


def _printed(pairs: Sequence[tuple[float, float]] | None) -> str:
    return "–" if pairs is None else " / ".join(with_sd(*pair) for pair in pairs)
