"""NeuronTune: mask, retrain the last layer, keep an epoch (Eq. 7)."""
