"""Work that runs beside the screen and can be stopped: a retraining with its baseline, and the adviser."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from neurontune_core.advise import advise
from neurontune_core.advise.storage import save_advice
from neurontune_core.errors import InputError
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import EpochRecord, TuneResult, neurontune
from neurontune_core.workspace.project import HALVES, Run

METHODS = ("NeuronTune", "No masking")


def warm_up_kernels(diagnosis: Diagnosis) -> None:
    """On few samples, and forgotten: what is retrained first on a machine compiles the loops, which takes seconds, and
    leaves them on disk."""
    some = [np.flatnonzero(outcome)[:200] for outcome in (diagnosis.right, ~diagnosis.right)]
    few = diagnosis.identification.take(np.concatenate(some))
    neurontune(diagnosis.erm, few, few, TuneConfig(epochs=1, batches=1))


class _Beside:
    """Work that starts at once, in a thread (the loops release the GIL).

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
        """End at the next chance."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _work(self) -> None:
        raise NotImplementedError

    def _guarded(self) -> None:
        try:
            self._work()
        except InputError as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"The result could not be saved ({error}); free some space or mend the folder's permissions."
        except Exception as error:  # a thread's stack trace would reach nobody
            self.error = f"The work stopped unexpectedly ({type(error).__name__}: {error})."


class BackgroundRun(_Beside):
    """NeuronTune, then masking off; a stopped one keeps what was reached by then.

    Args:
        diagnosis: the project.
        config: the settings of NeuronTune; masking off takes the same ones.
        tuning: a split to tune on, or `HALVES`: one half of the identification set tunes, the other identifies.

    Attributes:
        diagnosis, config, tuning: as given.
        histories: method -> records so far.
        run: the saved run, once there is one.
    """

    def __init__(self, diagnosis: Diagnosis, config: TuneConfig, tuning: str) -> None:
        self.diagnosis, self.config, self.tuning = diagnosis, config, tuning
        self.histories: dict[str, list[EpochRecord]] = {name: [] for name in METHODS}
        self.run: Run | None = None
        super().__init__()

    @property
    def share(self) -> float:
        """How much is done, 0..1."""
        return sum(map(len, self.histories.values())) / (len(METHODS) * self.config.epochs)

    def _work(self) -> None:
        tuned = self._tune(METHODS[0], self.config)
        off = self._tune(METHODS[1], replace(self.config, masking=False))
        self.run = self.diagnosis.project.save_run(tuned, off, self.tuning)

    def _tune(self, method: str, config: TuneConfig) -> TuneResult:
        diagnosis = self.diagnosis
        identification, tuning, scorer = self._sets()
        return neurontune(
            diagnosis.erm,
            identification,
            tuning,
            config,
            always=diagnosis.judged("spurious") if config.masking else None,
            never=diagnosis.judged("core") if config.masking else None,
            scorer=scorer,
            on_epoch=self.histories[method].append,
            should_stop=self._should_stop(method),
        )

    def _sets(self):  # type: ignore[no-untyped-def]
        """Identification set, tuning set, and the scorer that is already sorted where it is the right one."""
        diagnosis = self.diagnosis
        if self.tuning == HALVES:
            tuning, identification = diagnosis.identification.halves(self.config.seed)
            return identification, tuning, None
        same = TuneConfig()
        plain = (self.config.magnitude, self.config.statistic) == (same.magnitude, same.statistic)
        tuning = diagnosis.samples(self.tuning)
        return diagnosis.identification, tuning, diagnosis.scorer if plain else None

    def _should_stop(self, method: str):  # type: ignore[no-untyped-def]
        """Stopped runs keep at least one epoch of each method, so that there is something to compare."""
        return lambda: self._stop.is_set() and len(self.histories[method]) > 0


class BackgroundAdvice(_Beside):
    """Asks the adviser with a run's settings and verdicts, and leaves the answer with the run.

    Args:
        diagnosis: the project.
        run: the saved run.
        take: make the advised head a run of its own as soon as it is there.

    Attributes:
        diagnosis, run: as given.
        share: how much is done, 0..1.
        taken: the run of the advised head, once there is one.
    """

    def __init__(self, diagnosis: Diagnosis, run: Run, take: bool = False) -> None:
        self.diagnosis, self.run, self.share = diagnosis, run, 0.0
        self.taken: Run | None = None
        self._take = take
        super().__init__()

    def _work(self) -> None:
        diagnosis, verdicts = self.diagnosis, self.run.mask.verdicts
        always, never = (
            np.array([verdicts.get(neuron) == verdict for neuron in range(diagnosis.erm.num_neurons)])
            for verdict in ("spurious", "core")
        )
        advice = advise(
            diagnosis.erm,
            diagnosis.identification,
            diagnosis.tuning,
            self.run.config,
            always=always,
            never=never,
            on_step=self._step,
            should_stop=self._stop.is_set,
        )
        save_advice(advice, self.run.folder)
        if self._take:
            self.taken = diagnosis.project.take_advice(self.run)

    def _step(self, done: int, expected: int) -> None:
        self.share = min(1.0, done / expected)
