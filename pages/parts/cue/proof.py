"""The proof: what the cue alone does to the predictions, beside a control, in a sentence, by class and in pictures."""

from __future__ import annotations

from typing import Any

import streamlit as st

from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.cues.proof import Proof, prove
from neurontune_core.evaluation.probabilities import confidences
from neurontune_core.explain.text_difference import Piece, text_difference
from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.cues import changed_answers
from neurontune_core.session.latest_results import LatestResults
from pages.parts.frame.view import View
from pages.parts.frame.words import plain
from pages.parts.samples.cue_samples import cue_pictures
from pages.parts.samples.pair_cards import draw_cards

FIRST, MORE = {"box": 4, "words": 3}, 12  # pairs in view, and those that a press of the button adds
CONTROLS = {"box": "a patch from elsewhere", "words": "other words"}
OTHER = "other patch"  # short enough for the title of a small picture
_proofs: LatestResults[Proof] = LatestResults(16)


def proof_of(view: View, measured: CueMeasurement) -> Proof:
    """Return what the trained head says with and without the cue, computed once."""
    return _proofs.get(measured, lambda: prove(measured, view.diagnosis.erm))


def show_proof(view: View, measured: CueMeasurement) -> None:
    """Show the sentence, the counts by class, and the pairs that change most."""
    proof, kind = proof_of(view, measured), measured.cue.kind
    st.markdown(f"#### {plain(proof.sentence)}")
    if kind == "samples":
        st.caption(
            ":material/info: Other things may differ as well. Where samples are pictures or texts and the network is "
            "known, “Point at it” puts the cue into a sample and shows what changes."
        )
        return
    if not proof.distinct:
        st.warning("The classifier does not look at this in particular. Point at something else, or more closely.")
    cue = _edited(measured)
    parts = [part for part in proof.by_class if part.n]
    counts = {cue: [part.changed for part in parts]}
    if proof.control_changed is not None:
        counts[f"with {CONTROLS[kind]}"] = [part.control_changed for part in parts]
    figure = changed_answers([part.label for part in parts], [part.n for part in parts], counts)
    st.plotly_chart(figure, key="changed-answers", config=NO_MODE_BAR)
    st.caption(" ".join(_facts(proof, kind, [plain(note) for note in measured.notes])))
    changed_pairs(view, measured, proof)


def _edited(measured: CueMeasurement) -> str:
    return f"{'without' if measured.removes else 'with'} {measured.cue.name}"


def _facts(proof: Proof, kind: str, notes: list[str]) -> list[str]:
    facts = [f"{proof.changed} of {proof.pairs} predictions change with the cue."]
    if proof.control_changed is not None and proof.p_value is not None:
        facts[0] = f"{facts[0][:-1]}, {proof.control_changed} with {CONTROLS[kind]}."
    if proof.direction:
        facts.append(f"It drags them to **{plain(proof.direction)}**")
        if proof.p_value is not None:
            chance = "p < 0.001" if proof.p_value < 0.001 else f"p = {proof.p_value:.3f}"
            than = "more often than the control" if proof.distinct else "not clearly more often than the control"
            facts[-1] += f", {than} (McNemar test, {chance})"
        facts[-1] += "."
    return [*facts, "Bars: 95 % Wilson intervals.", *notes]


@st.fragment
def changed_pairs(view: View, measured: CueMeasurement, proof: Proof) -> None:
    """Show the pairs that change most, each sample as it is, with the cue and with the control; more on demand."""
    kind = measured.cue.kind
    key = f"cue-pairs-{view.name}-{measured.cue.key}"
    shown = proof.order[: st.session_state.get(key, FIRST[kind])]
    draw_cards(_cards(view, measured, proof, shown), "cue-cards", images=kind == "box")
    with st.container(horizontal=True, vertical_alignment="center"):
        left = len(proof.order) - len(shown)
        if left > 0 and st.button(f"Show {min(left, MORE)} more", key="more-cue-pairs"):
            st.session_state[key] = len(shown) + MORE
            st.rerun(scope="fragment")
        st.caption(f"{len(shown)} of {len(proof.order)} pairs, those that change most first.")


def _cards(view: View, measured: CueMeasurement, proof: Proof, places: Any) -> list[dict[str, Any]]:
    """Return what a card shows of each of these pairs, places in the measurement; JSON-able."""
    samples, head, cue = measured.samples, view.diagnosis.erm, measured.cue
    names = samples.class_names
    sides = [
        ("without", "as it is", proof.without, measured.base[places]),
        ("cue", _edited(measured), proof.with_cue, measured.edited[places]),
    ]
    if cue.kind == "box" and measured.control is not None and proof.control is not None:
        sides.append(("control", OTHER, proof.control, measured.control[places]))
    shares = {side: confidences(head, vectors) for side, _, _, vectors in sides}
    cards = []
    for number, place in enumerate(places.tolist()):
        label = int(samples.labels[measured.rows[place]])
        pieces = _pieces(view, measured, place)
        cards.append(
            {
                "label": names[label],
                "changes": bool(proof.with_cue[place] != proof.without[place]),
                "sides": [
                    {
                        "row": place,
                        "photo": f"/nt/cue/{view.name}/{cue.name}/{side}?key={cue.key}",
                        "attribute": title,
                        "pieces": pieces.get(side, []),
                        "predicted": names[predicted[place]],
                        "confidence": f"{100 * shares[side][number]:.0f}\u00a0%",
                        "correct": bool(predicted[place] == label),
                    }
                    for side, title, predicted, _ in sides
                ],
            }
        )
    return cards


def _pieces(view: View, measured: CueMeasurement, place: int) -> dict[str, list[Piece]]:
    """Return the texts of a pair, with what the cue changed marked; nothing for pictures."""
    if measured.cue.kind != "words":
        return {}
    texts = cue_pictures(view.name, measured).texts(place)
    before, after = text_difference("\n".join(texts["without"]), "\n".join(texts["cue"]))
    return {"without": before, "cue": after}
