"""Advice without group labels: keep the head, retrain it, mask and retrain, or weigh hard samples up.

What is judged is always a head on samples that it has not seen: `crossfit` makes the candidates by rotating parts of
the identification set, `reweight` one of them, `counterexamples` asks whether that set is as biased as the tuning set,
`rule` chooses, and `sentences` says why. The rule is ours, not the paper's; docs/advice.md holds what it is worth.
"""

from neurontune_core.advise.rule import Advice, Case, advise

__all__ = ["Advice", "Case", "advise"]
