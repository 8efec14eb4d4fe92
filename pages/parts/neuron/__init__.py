"""One neuron: its box, scores, verdicts."""
