"""Work in a thread beside the screen that can be stopped: a retraining with its baseline, and the adviser."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from neurontune_core.advise import advise
from neurontune_core.advise.storage import save_advice
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.result import EpochRecord, TuneResult
from neurontune_core.workspace.journal import neurons_judged
from neurontune_core.workspace.run import HALVES, Run

RETRAININGS = ("Retrained", "No masking")  # as the heads and the series of the figures are named


def warm_up_kernels(diagnosis: Diagnosis) -> None:
    """Retrain on a few samples and drop the result.

    The first retraining on a machine compiles the loops, which takes seconds, and leaves them on disk.
    """
    rows = [np.flatnonzero(outcome)[:200] for outcome in (diagnosis.correct, ~diagnosis.correct)]
    few = diagnosis.identification.take(np.concatenate(rows))
    neurontune(diagnosis.erm, few, few, TuneConfig(epochs=1, batches=1))


class BackgroundWork:
    """Work that starts at once, in a thread (the compiled loops release the GIL).

    Attributes:
        error: the sentence for the user, if it failed.
    """

    def __init__(self) -> None:
        self.error = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ask the work to end; it does at the end of its current step."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Wait until the work has ended, at most so many seconds."""
        self._thread.join(seconds)

    def _work(self) -> None:
        raise NotImplementedError

    def _guarded(self) -> None:
        try:
            self._work()
        except InputError as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"The result could not be saved ({error}); free some space or fix the folder's permissions."
        except Exception as error:  # nobody sees the stack trace of a thread
            self.error = f"The work stopped unexpectedly ({type(error).__name__}: {error})."


class BackgroundRun(BackgroundWork):
    """NeuronTune, then the same retraining without a mask; a stopped run keeps the epochs that are done.

    Args:
        diagnosis: the project.
        config: the settings of NeuronTune; the retraining without a mask takes the same ones.
        tuning: a split to tune on, or `HALVES`: one half of the identification set tunes, the other identifies.

    Attributes:
        diagnosis, config, tuning: as above.
        verdicts: neuron -> verdict, as they are when the run starts; later ones change neither the run nor its record.
        cue: the cue that is masked, if one is, as it is when the run starts.
        histories: name in `RETRAININGS` -> records so far.
        run: the saved run; None until it is saved.
    """

    def __init__(self, diagnosis: Diagnosis, config: TuneConfig, tuning: str) -> None:
        self.diagnosis, self.config, self.tuning = diagnosis, config, tuning
        self.verdicts, self.cue = diagnosis.verdicts(), diagnosis.cue_mask()
        self.histories: dict[str, list[EpochRecord]] = {name: [] for name in RETRAININGS}
        self.run: Run | None = None
        super().__init__()

    @property
    def share(self) -> float:
        """Return the share of the epochs that are done, 0 to 1."""
        return sum(map(len, self.histories.values())) / (len(RETRAININGS) * self.config.epochs)

    def _work(self) -> None:
        tuned = self._tune(RETRAININGS[0], self.config)
        off = self._tune(RETRAININGS[1], replace(self.config, masking=False))
        self.run = self.diagnosis.project.save_run(tuned, off, self.tuning, self.verdicts, self.cue)

    def _tune(self, name: str, config: TuneConfig) -> TuneResult:
        history = self.histories[name]
        always, never = _judged(self.diagnosis, self.verdicts)
        identification, tuning, scorer = self._sets()
        return neurontune(
            self.diagnosis.erm,
            identification,
            tuning,
            config,
            always=always,
            never=never,
            cue=self.cue,
            scorer=scorer,
            on_epoch=history.append,
            should_stop=lambda: (
                self._stop.is_set() and bool(history)
            ),  # one epoch of each, so that they can be compared
        )

    def _sets(self) -> tuple[EmbeddingSet, EmbeddingSet, SpuriousnessScorer | None]:
        """Return identification set, tuning set, and the project's sorted scorer where it fits the settings."""
        diagnosis, default = self.diagnosis, TuneConfig()
        if self.tuning == HALVES:
            tuning, identification = diagnosis.identification.halves(self.config.seed)
            return identification, tuning, None
        plain = (self.config.magnitude, self.config.statistic) == (default.magnitude, default.statistic)
        return diagnosis.identification, diagnosis.samples(self.tuning), diagnosis.scorer if plain else None


class BackgroundAdvice(BackgroundWork):
    """The adviser, asked with a run's settings and verdicts; the answer is saved with the run.

    Args:
        diagnosis: the project.
        run: the saved run.

    Attributes:
        diagnosis, run: as above.
        share: the share that is done, 0 to 1.
    """

    def __init__(self, diagnosis: Diagnosis, run: Run) -> None:
        self.diagnosis, self.run, self.share = diagnosis, run, 0.0
        super().__init__()

    def _work(self) -> None:
        diagnosis = self.diagnosis
        always, never = _judged(diagnosis, self.run.mask.verdicts)
        advice = advise(
            diagnosis.erm,
            diagnosis.identification,
            diagnosis.tuning,
            self.run.config,
            always=always,
            never=never,
            mask=self._own_mask(),
            on_step=self._step,
            should_stop=self._stop.is_set,
        )
        save_advice(advice, self.run.folder)

    def _own_mask(self) -> np.ndarray | None:
        """Return [M] bool, the mask on the screen: by its λ, cue and verdicts; None where there is none."""
        threshold = self.diagnosis.project.journal.settings().get("threshold", self.run.config.threshold)
        try:
            masked = self.diagnosis.masked_neurons(threshold)
        except NoMistakes:
            return None
        return masked if masked.any() and not masked.all() else None

    def _step(self, done: int, expected: int) -> None:
        self.share = min(1.0, done / expected)


def _judged(diagnosis: Diagnosis, verdicts: Mapping[int, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return two [M] bool: the neurons to mask and the neurons to spare whatever their score."""
    num_neurons = diagnosis.erm.num_neurons
    return neurons_judged(verdicts, "spurious", num_neurons), neurons_judged(verdicts, "core", num_neurons)
