"""The view: the open project and the choices of the sidebar, which every screen reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from neurontune_core.evaluation.accuracy import Evaluation
from neurontune_core.head import LinearHead
from neurontune_core.identification.ranking import BY_CLASS, Ranking
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.session.named_heads import NAMES, HeadKey, NamedHead, available, named_head
from neurontune_core.workspace.run import Run
from pages.parts.frame.state import gallery


@dataclass(frozen=True)
class View:
    """The open project and the choices of the sidebar, for one run of the script.

    Attributes:
        name: of the project.
        diagnosis: scores of its neurons, from its identification split.
        split: the split on which heads are measured.
        label: index of the chosen class; None for all.
        threshold, mask_value: λ and the factor of masked activations.
        stability: standard errors by which a score must exceed λ; 0 for none.
        run: the chosen retraining; None before there is one.
        key: of the chosen head, which all screens show and Export writes.
        order: what ranks the neurons, one of `ORDERS`.
    """

    name: str
    diagnosis: Diagnosis
    split: MeasuredSplit
    label: int | None
    threshold: float
    mask_value: float
    run: Run | None
    key: HeadKey
    order: str = BY_CLASS
    stability: float = 0.0

    @cached_property
    def ranking(self) -> Ranking:
        """Return the neurons in the chosen order; the same as long as this view is shown."""
        return self.diagnosis.ranking(self.order, self.label)

    def shown_class(self, neuron: int) -> int:
        """Return the class whose samples of a neuron are shown: the chosen one, else that which ranks or scores it."""
        if self.label is not None:
            return self.label
        ranked = self.ranking.label
        return int(self.diagnosis.strongest_class[neuron]) if ranked is None else ranked

    @cached_property
    def masked(self):
        """Return [M] bool, the neurons that λ and the verdicts mask; read from the journal once."""
        return self.diagnosis.masked_neurons(self.threshold, self.stability)

    @cached_property
    def keys(self) -> tuple[HeadKey, ...]:
        """Return the keys of the heads that exist, in the order in which a person meets them."""
        return available(self.diagnosis, self.run)

    @cached_property
    def _heads(self) -> dict[HeadKey, NamedHead]:
        return {}

    def named(self, key: HeadKey) -> NamedHead:
        """Return a head with λ, mask value and verdicts as they are now."""
        if key not in self._heads:
            self._heads[key] = named_head(
                self.diagnosis,
                key,
                run=self.run,
                threshold=self.threshold,
                mask_value=self.mask_value,
                stability=self.stability,
            )
        return self._heads[key]

    @property
    def chosen(self) -> NamedHead:
        """Return the chosen head."""
        return self.named(self.key)

    @property
    def heads(self) -> dict[str, LinearHead]:
        """Return name -> head, of all heads that exist."""
        return {NAMES[key]: self.named(key).head for key in self.keys}

    def evaluation(self, key: HeadKey) -> Evaluation:
        """Return the accuracies of a head on the measured split."""
        cue = self.diagnosis.cue_mask()
        by_cue_alone = cue is not None and cue.source == "cue"
        if key != "mask" or not (self.diagnosis.num_misclassified or by_cue_alone):
            return self.split.evaluate(self.named(key).head)
        always, never = (self.diagnosis.judged(verdict) for verdict in ("spurious", "core"))
        scores = None if by_cue_alone else self.diagnosis.mask_scores(self.stability)
        return self.split.mask_alone(scores, self.threshold, self.mask_value, always=always, never=never, cue=cue)

    @cached_property
    def gallery(self) -> Gallery:
        """Return the samples of the project to show."""
        return gallery(self.name)


def current_view() -> View:
    """Return the view that the router made; end the script with a sentence where no project is open."""
    view: View | None = st.session_state.get("view")
    if view is None:
        st.info("No project is open. Choose one in the sidebar, or make one on the Setup page.")
        st.stop()
    return view
