"""One saved retraining of a project: heads, mask, history and the adviser's answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from neurontune_core.advise.storage import HEAD as ADVISED_HEAD
from neurontune_core.advise.storage import KeptAdvice, load_advice
from neurontune_core.errors import InputError
from neurontune_core.files import read_json
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.result import EpochRecord

HALVES = "halves"  # tuned on one half of the identification split; the other half identified


@dataclass(frozen=True, eq=False)
class Run:
    """A saved retraining: NeuronTune, the same retraining without a mask, and what the adviser said of them.

    Attributes:
        folder: the run's folder; its name is the run's ``id``.
        config: the settings.
        tuning: the split that the head was tuned on, or `HALVES`.
        epoch, seconds, warnings: as in `TuneResult`.
        history, off_history: one record per epoch, of NeuronTune and of retraining without a mask.
        created: seconds since 1970.
        embeddings: fingerprint of the identification split that the run identified neurons on; empty when not known.
    """

    folder: Path
    config: TuneConfig
    tuning: str
    epoch: int
    seconds: float
    warnings: tuple[str, ...]
    history: tuple[EpochRecord, ...]
    off_history: tuple[EpochRecord, ...]
    created: float
    embeddings: str = ""

    @classmethod
    def load(cls, folder: Path) -> Run:
        """Read a saved run.

        Raises:
            InputError: when there is none in the folder, or it is incomplete.
        """
        content = read_json(folder / "run.json")
        try:
            datetime.fromtimestamp(content["created"])  # raises where it is no time
            return cls(
                folder=folder,
                config=TuneConfig(**content["config"]),
                tuning=str(content["tuning"]),
                epoch=int(content["epoch"]),
                seconds=float(content["seconds"]),
                warnings=tuple(map(str, content["warnings"])),
                history=tuple(EpochRecord(**record) for record in content["history"]),
                off_history=tuple(EpochRecord(**record) for record in content["off_history"]),
                created=content["created"],
                embeddings=str(content.get("embeddings", "")),
            )
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
            raise InputError(
                f"{folder / 'run.json'} is not a complete run ({type(error).__name__}: {error}); delete its folder."
            ) from None

    @property
    def id(self) -> str:
        return self.folder.name

    @cached_property
    def head(self) -> LinearHead:
        return LinearHead.load(self.folder / "head.safetensors")

    @cached_property
    def off_head(self) -> LinearHead:
        return LinearHead.load(self.folder / "masking_off.safetensors")

    @cached_property
    def mask(self) -> Mask:
        return Mask.load(self.folder / "mask.json")

    @property
    def halves(self) -> bool:
        return self.tuning == HALVES

    @property
    def advised_head(self) -> LinearHead | None:
        """Return the head that `advice` chose; None while there is no advice."""
        return LinearHead.load(self.folder / ADVISED_HEAD) if self.advice else None

    @property
    def advice(self) -> KeptAdvice | None:
        """Return the adviser's answer for this run's settings; None when it was not asked."""
        return load_advice(self.folder)
