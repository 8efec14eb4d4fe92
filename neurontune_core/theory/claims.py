"""What each claim of the paper shows and where it stops holding, in a sentence each, wherever it is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        name: short, for a tab.
        title: one line.
        shows: what it shows.
        stops: where it stops holding, by our own computation.
    """

    name: str
    title: str
    shows: str
    stops: str


CLAIMS = {
    "lemma": Claim(
        "Weights",
        "Lemma 1: what a linear model learns when a shortcut is at hand",
        "As soon as the shortcut agrees with the answer more often than not (p > 0.5), the best linear model puts "
        "weight on it and takes weight from the core feature, the more so the noisier the core feature is.",
        "The formula as printed is exact only at p = 0.5 and p = 1; in between it gives the shortcut too much weight, "
        "and least squares on a sample follows the exact form, which has one more term, (1 − q²)v.",
    ),
    "scores": Claim(
        "Scores",
        "Theorem 4.2: a neuron's score tells its weight on the shortcut",
        "Where nearly all mistakes are samples whose shortcut misleads (p around 0.95), the signed score of a neuron, "
        "its median on mistakes minus its median on hits, is −2yγᵀw_spu: minus twice the label times its weight on the "
        "shortcut, γᵀw_spu.",
        "At smaller p the noisy core feature causes mistakes as well and the line blurs, and as the sign turns with "
        "the label, the signed rule for any class selects nearly every neuron; absolute scores, which the method "
        "uses, do not follow the line.",
    ),
    "removal": Claim(
        "Removal",
        "Theorem 4.3: does removing the selected neurons help?",
        "Removing the neurons that Theorem 4.2 points at (γᵀw_spu < 0) can bring a network closer to the unbiased one, "
        "which is trained where the shortcut agrees half of the time.",
        "In random networks as many random neurons do the same, since turning the signs of a neuron and of its output "
        "weight keeps the function and reverses the selection; and where the spared neurons span all inputs, "
        "retraining on the same data brings the biased function back.",
    ),
    "synthetic": Claim(
        "Experiment",
        "Section 5.3: the whole method on three neurons",
        "The trained model leans on a shortcut that fails in test; absolute scores select the spurious neuron, even on "
        "data in which the shortcut holds as often as in training, and spare the core one, and retraining without it "
        "makes every group about as accurate as the core feature allows (90.2 %).",
        "A magnitude depends on where zero lies: with the spurious neuron at −1 and +1 instead of 0 and 1 the model "
        "predicts the same, but the neuron is selected only on data in which the shortcut often fails; and the noise "
        "neuron, which does no harm, is selected about three times in four, as chance would have it.",
    ),
}
