"""Advice without group labels: keep the head, retrain it, mask and retrain, or retrain with upweighted hard samples.

Every head is evaluated on samples that it has not seen: `crossfit` makes the candidates by rotating parts of the
identification set, `reweight` makes one of them, `counterexamples` measures whether that set is as biased as the tuning
set, `rule` chooses, and `sentences` gives the reasons. The rule is ours, not the paper's; docs/advice.md measures it.
"""

from neurontune_core.advise.rule import Advice, Case, advise

__all__ = ["Advice", "Case", "advise"]
