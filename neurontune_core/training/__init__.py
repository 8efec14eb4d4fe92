"""ERM training of a classifier, the state that NeuronTune starts from: resumable, cancellable, the best epoch kept."""
