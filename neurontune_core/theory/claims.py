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
        why: the step of its proof that breaks, or the reason; a few sentences, or empty.
    """

    name: str
    title: str
    shows: str
    stops: str
    why: str = ""


CLAIMS = {
    "lemma": Claim(
        "Weights",
        "Lemma 1: what a linear model learns when a shortcut is at hand",
        "As soon as the shortcut agrees with the answer more often than not (p > 0.5), the best linear model puts "
        "weight on it and takes weight from the core feature, the more so the noisier the core feature is.",
        "The formula as printed is exact only at p = 0.5 and p = 1; in between it gives the shortcut too much weight, "
        "and least squares on a sample follows the exact form, which has one more term, (1 − q²)v.",
        "Eq. 25 bounds the loss by setting E1 and E2 to their least values at once. One asks for u_core = (1 − z)β, "
        "the other for (1 + z)β, so the bound is not reached. The proof then takes its lowest point for that of the "
        "loss.",
    ),
    "majority": Claim(
        "Majority",
        "Lemma 2: which samples become mistakes",
        "Where the shortcut agrees most of the time, most correct samples are those whose shortcut agrees, and most "
        "mistakes those whose shortcut misleads, which is what makes mistakes tell of the shortcut.",
        "With a noisy shortcut most mistakes are samples whose shortcut agrees, and the printed formulas give the "
        "second claim only where the core feature has little noise.",
        "Given the class, βᵀx_core and ε_core are one noise, but σ_1 adds the variances of both. And the proof lets z* "
        "go to 0 where it goes to 1, so that Φ(−μ/σ_1) is not near 0.",
    ),
    "principle": Claim(
        "Principle",
        "Proposition 4.1: neurons with a negative weight on the shortcut",
        "Neurons whose weight on the shortcut is negative (γᵀw_spu < 0) are those that the method is to suppress, and "
        "they carry a part of the network's weight on the shortcut.",
        "The spared neurons carry another part, and turning the signs of all neurons and of their output weights "
        "leaves the network's function as it is and swaps the selected for the spared ones.",
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
        "Removing the neurons that Theorem 4.2 points at (γᵀw_spu < 0) can bring a network closer to the unbiased one "
        "of Corollary 1, which is trained where the shortcut agrees half of the time.",
        "In random networks as many random neurons do the same, since turning the signs of a neuron and of its output "
        "weight keeps the function and reverses the selection; and where the spared neurons span all inputs, "
        "retraining on the same data brings the biased function back.",
        "The theorem assumes that every neuron weighs core feature and shortcut alike, βᵀw_core = γᵀw_spu. Then so "
        "does every network of such neurons, before and after a removal: neither Lemma 1's model nor the unbiased one "
        "is within its reach, and chance still does as well as the selection.",
    ),
    "retraining": Claim(
        "Retraining",
        "Lemma 3 and A.3: retraining the last layer on other data",
        "Retraining on data in which the shortcut agrees less often takes weight from it, down to none where it agrees "
        "half of the time.",
        "The printed formula (48) has the error of Lemma 1 in between, and re-weighting the data does change the "
        "weight on the shortcut, which the proof denies.",
        "The proof says that the terms of Eq. 49 do not depend on weights of the samples; p is such a weight. Counting "
        "each misled sample p / (1 − p) times gives the unbiased model. And A.3 sees the shortcut's weight in ψ3 "
        "alone, though ψ1 and ψ2 of Eq. 51 hold it, too.",
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
