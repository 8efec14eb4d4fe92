"""Cues: what a person points at, what it does to the classifier and to each neuron, and the mask that follows."""
