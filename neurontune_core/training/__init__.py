"""ERM training of a classifier, the state that NeuronTune starts from: resumable, cancellable, the best epoch kept."""

from neurontune_core.train_history import TrainEpoch, TrainHistory, read_history
from neurontune_core.training.loop import Trained, train

__all__ = ["TrainEpoch", "TrainHistory", "Trained", "read_history", "train"]
