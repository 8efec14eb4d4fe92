"""A retraining that runs beside the screen: NeuronTune, then masking off on the same data; it can be stopped."""

from __future__ import annotations

import threading
from dataclasses import replace

from neurontune_core.config import TuneConfig
from neurontune_core.diagnosis import Diagnosis
from neurontune_core.errors import InputError
from neurontune_core.tune import EpochRecord, TuneResult, neurontune
from neurontune_core.workspace import HALVES, Run

METHODS = ("NeuronTune", "masking off")


class LiveRun:
    """Starts at once, in a thread (the loop releases the GIL).

    Args:
        diagnosis: the project.
        config: the settings of NeuronTune; masking off takes the same ones.
        tuning: a split to tune on, or `HALVES`: one half of the identification set tunes, the other identifies.

    Attributes:
        histories: method -> records so far.
        run: the saved run, once there is one.
        error: the sentence for the user, if it failed.
    """

    def __init__(self, diagnosis: Diagnosis, config: TuneConfig, tuning: str) -> None:
        self.config, self.tuning = config, tuning
        self.histories: dict[str, list[EpochRecord]] = {name: [] for name in METHODS}
        self.run: Run | None = None
        self.error = ""
        self._diagnosis, self._stop = diagnosis, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """How much is done, 0..1."""
        return sum(map(len, self.histories.values())) / (len(METHODS) * self.config.epochs)

    def stop(self) -> None:
        """End after the epoch under way; what was reached by then is kept."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            tuned = self._tune(METHODS[0], self.config)
            off = self._tune(METHODS[1], replace(self.config, masking=False))
            self.run = self._diagnosis.project.save_run(tuned, off, self.tuning)
        except InputError as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"The run could not be saved ({error}); free some space or mend the folder's permissions."
        except Exception as error:  # a thread's stack trace would reach nobody
            self.error = f"Retraining stopped unexpectedly ({type(error).__name__}: {error})."

    def _tune(self, method: str, config: TuneConfig) -> TuneResult:
        diagnosis = self._diagnosis
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
        diagnosis = self._diagnosis
        if self.tuning == HALVES:
            tuning, identification = diagnosis.identification.halves(self.config.seed)
            return identification, tuning, None
        same = TuneConfig()
        plain = (self.config.magnitude, self.config.statistic) == (same.magnitude, same.statistic)
        tuning = diagnosis.project.load_set(self.tuning)
        return diagnosis.identification, tuning, diagnosis.scorer if plain else None

    def _should_stop(self, method: str):  # type: ignore[no-untyped-def]
        """Stopped runs keep at least one epoch of each method, so that there is something to compare."""
        return lambda: self._stop.is_set() and len(self.histories[method]) > 0
