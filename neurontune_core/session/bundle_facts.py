"""What the model card of an exported head says, gathered from the open project."""

from __future__ import annotations

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.export.card import TunedRun
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.named_heads import NamedHead, check_exportable


def bundle_facts(diagnosis: Diagnosis, named: NamedHead, evaluation: EmbeddingSet, *, caution: str = "") -> TunedRun:
    """Return a head with everything that its bundle and its model card need.

    Args:
        diagnosis: the project.
        named: the head.
        evaluation: the set that the card's table is measured on.
        caution: why figures on that set are optimistic, if they are.

    Raises:
        InputError: when the head is a mask alone that masks nothing, or everything.
    """
    check_exportable(named)
    project, run = diagnosis.project, named.run
    tuned = {} if run is None else {"Tuning": "one half of the identification split" if run.halves else run.tuning}
    advice = run.advice if run is not None and named.key == "advised" else None
    warnings = run.warnings if run is not None and named.key == "retrained" else ()
    return TunedRun(
        erm=diagnosis.erm,
        head=named.head,
        mask=named.mask,
        config=named.config,
        evaluation=evaluation,
        epoch=run.epoch if run is not None and named.key == "retrained" else None,
        masking_off=None if run is None or named.key == "masking-off" else run.off_head,
        data={"Identification": _described(diagnosis.identification), **tuned, "Evaluation": _described(evaluation)},
        title=project.title,
        problem=project.problem,
        warnings=(*warnings, *named.notes),
        advised=advice.sentence if advice is not None else "",
        caution=caution,
        name=named.name,
        retrained=run is not None,
    )


def _described(embedding_set: EmbeddingSet) -> str:
    return f"{embedding_set.split}, {embedding_set.num_samples} samples"
