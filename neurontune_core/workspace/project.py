"""One project on disk: its embeddings and heads, saved runs, verdicts and what else a person made of it."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.advise.storage import FILE as ADVICE_FILE
from neurontune_core.advise.storage import HEAD as ADVISED_HEAD
from neurontune_core.advise.storage import KeptAdvice, load_advice
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.own_groups import OwnGroups
from neurontune_core.files import read_json, write_json
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import EpochRecord, TuneResult
from neurontune_core.workspace.journal import Journal
from neurontune_core.workspace.names import new_timed_folder, safe_name

FORMAT = "neurontune-project/1"
HALVES = "halves"  # tuned on one half of the identification split; the other half identified
ROLES = ("identification", "tuning", "evaluation")


@dataclass(frozen=True, eq=False)
class Run:
    """A saved retraining: NeuronTune, and masking off on the same data beside it.

    Attributes:
        folder: where it lies; its name is the run's ``id``.
        config: the settings.
        tuning: the split that the head was tuned on, or `HALVES`.
        epoch, seconds, warnings: as in `TuneResult`.
        history, off_history: one record an epoch, of NeuronTune and of masking off.
        created: seconds since 1970.
        advised: the id of the run whose adviser chose its head, which may be masking off's; empty when none did.
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
    advised: str = ""

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
    def method(self) -> str:
        """What its head is called."""
        return "advised head" if self.advised else "NeuronTune"

    @property
    def advised_head(self) -> LinearHead | None:
        """The head that `advice` chose."""
        return LinearHead.load(self.folder / ADVISED_HEAD) if self.advice else None

    @property
    def advice(self) -> KeptAdvice | None:
        """What the adviser said when it was asked with this run's settings; None before that."""
        return load_advice(self.folder)

    @property
    def export_folder(self) -> Path:
        return self.folder / "export"


class Project:
    """A model and a data set as extracted, and everything a person has done with them.

    Args:
        source: the folder with ``project.json``; it may be read-only.
        folder: where runs and verdicts are written.

    Raises:
        InputError: when the folder is not a whole project.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        file = source / "project.json"
        self.content: dict[str, Any] = read_json(file)
        if not isinstance(self.content, dict) or self.content.get("format") != FORMAT:
            raise InputError(f'{file} is not a project (expected format "{FORMAT}").')
        sets, roles = self.content.get("embeddings"), self.content.get("roles")
        whole = (
            isinstance(sets, dict)
            and isinstance(roles, dict)
            and all(isinstance(folder, str) for folder in sets.values())
            and all(roles.get(role) in list(sets) for role in ROLES)
        )
        if not whole:
            raise InputError(
                f'{file} is not a whole project: its "roles" must name entries of its "embeddings" '
                f"for {', '.join(ROLES)}."
            )
        self.source, self.folder = source, folder
        self.title = str(self.content.get("title") or source.name)
        self.problem = str(self.content.get("problem") or "")

    @classmethod
    def at(cls, path: Path) -> Project:
        """The project of a ``project.json``, or of the folder that holds one."""
        source = path if path.is_dir() else path.parent
        if path != source and path.name != "project.json":
            raise InputError(f"{path} is not a project; give a project.json or the folder that holds one.")
        return cls(source, source)

    def set_folder(self, split: str) -> Path:
        """Where the embeddings of a split or role lie; InputError when there is no such split."""
        name = self.content["roles"].get(split, split)
        if name not in self.content["embeddings"]:
            raise InputError(f'The project has no split "{name}"; it has {", ".join(self.content["embeddings"])}.')
        return self.source / self.content["embeddings"][name]

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of all splits that have embeddings."""
        return tuple(self.content["embeddings"])

    def load_set(self, split: str) -> EmbeddingSet:
        """The embeddings of a split, or of a role: "identification", "tuning" or "evaluation"."""
        return EmbeddingSet.load(self.set_folder(split), self.content["roles"].get(split, split))

    @property
    def head_file(self) -> Path:
        """Where the ERM head lies; InputError when the project has none."""
        if not self.content.get("head"):
            raise InputError(
                f'The project "{self.title}" has no head, because its model was trained for other classes; '
                "give the weights of a model that was trained on these classes."
            )
        return self.source / str(self.content["head"])

    def load_head(self) -> LinearHead:
        """The ERM head."""
        return LinearHead.load(self.head_file)

    def runs(self) -> list[Run]:
        """The saved runs, the newest first; one that cannot be read is left out."""
        runs = []
        for file in sorted((self.folder / "runs").glob("*/run.json"), reverse=True):
            with suppress(InputError):
                runs.append(self.run(file.parent.name))
        return runs

    def run(self, name: str) -> Run:
        """One saved run; InputError when there is none of this name."""
        folder = self.folder / "runs" / safe_name(name)
        said = read_json(folder / "run.json")
        try:
            return Run(
                folder=folder,
                config=TuneConfig(**said["config"]),
                tuning=said["tuning"],
                epoch=said["epoch"],
                seconds=said["seconds"],
                warnings=tuple(said["warnings"]),
                history=tuple(EpochRecord(**record) for record in said["history"]),
                off_history=tuple(EpochRecord(**record) for record in said["off_history"]),
                created=said["created"],
                advised=str(said.get("advised", "")),
            )
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{folder / 'run.json'} is not a whole run ({type(error).__name__}: {error}); delete its folder."
            ) from None

    def save_run(self, result: TuneResult, off: TuneResult, tuning: str) -> Run:
        """Keep a result; ``run.json`` is written last and makes the folder a run."""
        created = time.time()
        folder = new_timed_folder(self.folder / "runs", created)
        config = result.config
        mask = Mask(
            result.biased,
            config.threshold,
            config.mask_value,
            self.journal.verdicts(),
            {"identification": self.content["roles"]["identification"], "tuning": tuning, "run": folder.name},
        )
        result.head.save(folder / "head.safetensors")
        off.head.save(folder / "masking_off.safetensors")
        mask.save(folder / "mask.json")
        write_json(
            folder / "run.json",
            {
                "config": asdict(config),
                "tuning": tuning,
                "epoch": result.epoch,
                "seconds": result.seconds,
                "warnings": result.warnings,
                "history": [asdict(record) for record in result.history],
                "off_history": [asdict(record) for record in off.history],
                "created": created,
            },
        )
        return self.run(folder.name)

    def comparison_folders(self) -> list[Path]:
        """Where comparisons of methods lie, the newest first."""
        return sorted((file.parent for file in (self.folder / "comparisons").glob("*/comparison.json")), reverse=True)

    def new_comparison_folder(self) -> Path:
        """Make and return the folder of the next comparison."""
        return new_timed_folder(self.folder / "comparisons")

    def study_file(self, key: str) -> Path:
        """Where the newest result of a study lies."""
        return self.folder / "studies" / f"{safe_name(key)}.json"

    def take_advice(self, run: Run) -> Run:
        """The run whose head is the one that the adviser chose when it was asked with another run's settings.

        Made the first time, and the same afterwards.

        Raises:
            InputError: when it was not asked.
        """
        advice = run.advice
        if advice is None:
            raise InputError(f"The adviser was not asked about run {run.id}; ask it on the Retrain page.")
        folder = run.folder.with_name(f"{run.id}-advised")
        if (folder / "run.json").exists():
            return self.run(folder.name)
        biased = np.zeros(run.mask.num_neurons, dtype=bool)
        biased[list(advice.masked)] = True
        source = {"identification": self.content["roles"]["identification"], "advised": run.id, "run": folder.name}
        mask = Mask(biased, run.config.threshold, run.config.mask_value, run.mask.verdicts, source)
        LinearHead.load(run.folder / ADVISED_HEAD).save(folder / "head.safetensors")
        run.off_head.save(folder / "masking_off.safetensors")
        mask.save(folder / "mask.json")
        for name in (ADVICE_FILE, ADVISED_HEAD):
            shutil.copyfile(run.folder / name, folder / name)
        said = read_json(run.folder / "run.json")
        write_json(folder / "run.json", said | {"advised": run.id, "warnings": [], "created": time.time()})
        return self.run(folder.name)

    @property
    def journal(self) -> Journal:
        """A person's judgements of neurons."""
        return Journal(self.folder / "verdicts.json")

    def umap_file(self, embedding_set: EmbeddingSet) -> Path:
        """Where the UMAP map of a set lies once it was made; other vectors have another one."""
        return self.folder / "maps" / f"umap-{embedding_set.fingerprint}.npy"

    @property
    def cache(self) -> Path:
        """What can be made again: heatmaps, attributions."""
        return self.folder / "cache"

    @property
    def own_groups(self) -> OwnGroups:
        """Groups that a person made."""
        return OwnGroups(self.folder / "own_groups.json")
