"""One project on disk: embeddings, heads, saved runs, verdicts and everything else that belongs to it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from neurontune_core.cues.library import CueLibrary
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.own_groups import OwnGroups
from neurontune_core.files import read_json, write_json
from neurontune_core.head import LinearHead
from neurontune_core.mask import CueMask, Mask
from neurontune_core.tuning.result import TuneResult
from neurontune_core.workspace.journal import Journal
from neurontune_core.workspace.names import new_timed_folder, safe_name
from neurontune_core.workspace.run import Run

FORMAT = "neurontune-project/1"
_ADVISED_COPY = "-advised"  # the name of a copy of a run that earlier versions made of its advised head
ROLES = ("identification", "tuning", "evaluation")


class Project:
    """The embeddings and the head of a model on a dataset, with the runs, verdicts and groups made from them.

    Args:
        source: the folder with ``project.json``; it may be read-only.
        folder: the folder that runs and verdicts are written to.

    Raises:
        InputError: when ``project.json`` is missing, damaged or incomplete.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        file = source / "project.json"
        self.content: dict[str, Any] = read_json(file)
        if not isinstance(self.content, dict) or self.content.get("format") != FORMAT:
            raise InputError(f'{file} is not a project (expected format "{FORMAT}").')
        sets, roles = self.content.get("embeddings"), self.content.get("roles")
        complete = (
            isinstance(sets, dict)
            and isinstance(roles, dict)
            and all(isinstance(folder, str) for folder in sets.values())
            and all(roles.get(role) in list(sets) for role in ROLES)
        )
        if not complete:
            raise InputError(
                f'{file} is not a complete project: its "roles" must name entries of its "embeddings" '
                f"for {', '.join(ROLES)}."
            )
        strange = [key for key in ("model", "dataset") if not isinstance(self.content.get(key) or {}, dict)]
        if strange or not isinstance(self.content.get("head") or "", str):
            raise InputError(f'{file} has a "{(strange or ["head"])[0]}" of another kind than a project has.')
        self.source, self.folder = source, folder
        self.title = str(self.content.get("title") or source.name)
        self.problem = str(self.content.get("problem") or "")

    @classmethod
    def at(cls, path: Path) -> Project:
        """Return the project of a ``project.json``, or of the folder that holds one.

        Raises:
            InputError: when there is none.
        """
        source = path if path.is_dir() else path.parent
        if path != source and path.name != "project.json":
            raise InputError(f"{path} is not a project; give a project.json or the folder that holds one.")
        return cls(source, source)

    def set_aside_damaged(self) -> tuple[str, ...]:
        """Rename what a person's edits are kept in where it cannot be read, so that the rest of the project opens.

        Returns:
            A sentence for each such file; nothing is said again of one that was set aside.
        """
        if not self.folder.is_dir():
            return ()
        return tuple(
            filter(None, (kept.set_aside_if_damaged() for kept in (self.journal, self.own_groups) if kept.is_there))
        )

    def set_folder(self, split: str) -> Path:
        """Return the folder with the embeddings of a split or role.

        Raises:
            InputError: when there is no such split.
        """
        name = self.content["roles"].get(split, split)
        if name not in self.content["embeddings"]:
            raise InputError(f'The project has no split "{name}"; it has {", ".join(self.content["embeddings"])}.')
        return self.source / self.content["embeddings"][name]

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the names of all splits that have embeddings."""
        return tuple(self.content["embeddings"])

    def load_set(self, split: str) -> EmbeddingSet:
        """Return the embeddings of a split, or of a role: "identification", "tuning" or "evaluation"."""
        return EmbeddingSet.load(self.set_folder(split), self.content["roles"].get(split, split))

    @property
    def head_file(self) -> Path:
        """Return the file of the ERM head.

        Raises:
            InputError: when the project has none.
        """
        if not self.content.get("head"):
            raise InputError(
                f'The project "{self.title}" has no head, because its model was trained for other classes; '
                "give the weights of a model that was trained on these classes."
            )
        return self.source / str(self.content["head"])

    def load_head(self) -> LinearHead:
        """Return the ERM head."""
        return LinearHead.load(self.head_file)

    def runs(self) -> list[Run]:
        """Return the saved runs, the newest first; one that cannot be read is left out."""
        runs = []
        for file in sorted((self.folder / "runs").glob("*/run.json"), reverse=True):
            if not file.parent.name.endswith(_ADVISED_COPY):
                with suppress(InputError):
                    runs.append(self.run(file.parent.name))
        return runs

    def run(self, name: str) -> Run:
        """Return one saved run.

        Raises:
            InputError: when there is none of this name, or it is incomplete.
        """
        return Run.load(self.folder / "runs" / safe_name(name))

    def save_run(
        self,
        result: TuneResult,
        off: TuneResult,
        tuning: str,
        verdicts: Mapping[int, str],
        cue: CueMask | None = None,
    ) -> Run:
        """Save a retraining; ``run.json`` is written last and makes the folder a run.

        Args:
            result: what NeuronTune returned.
            off: the result of the same retraining without a mask.
            tuning: the split that the heads were tuned on, or `HALVES`.
            verdicts: neuron -> verdict, as they were when the retraining began. The journal may have changed since.
            cue: the cue that was masked, if one was.
        """
        created = time.time()
        folder = new_timed_folder(self.folder / "runs", created)
        config = result.config
        source = {"identification": self.content["roles"]["identification"], "tuning": tuning, "run": folder.name}
        result.head.save(folder / "head.safetensors")
        off.head.save(folder / "masking_off.safetensors")
        listed = {*result.biased.nonzero()[0].tolist(), *(neuron for neuron in verdicts if neuron < len(result.biased))}
        scores = {} if result.scores is None else result.scores.by_class_name(result.head.class_names, sorted(listed))
        mask = Mask(result.biased, config.threshold, config.mask_value, verdicts, source, scores, cue=cue)
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
                "embeddings": self.load_set("identification").fingerprint,
            },
        )
        return self.run(folder.name)

    def export_folder(self, key: str, head: LinearHead, evaluation: EmbeddingSet) -> Path:
        """Return the folder of the bundle of a head whose card is measured on a set.

        Every head and set have a folder of their own, so that sessions do not overwrite each other's files.

        Args:
            key: the head's name, such as "mask".
            head: the head with its mask folded in.
            evaluation: the set.
        """
        digest = sha256(head.weight.tobytes() + head.bias.tobytes() + evaluation.fingerprint.encode()).hexdigest()
        return self.folder / "exports" / f"{safe_name(key)}-{digest[:12]}"

    def comparison_folders(self) -> list[Path]:
        """Return the folders of the comparisons of methods, the newest first."""
        return sorted((file.parent for file in (self.folder / "comparisons").glob("*/comparison.json")), reverse=True)

    def new_comparison_folder(self) -> Path:
        """Make and return the folder of the next comparison."""
        return new_timed_folder(self.folder / "comparisons")

    def study_file(self, key: str) -> Path:
        """Return the file of the newest result of a study."""
        return self.folder / "studies" / f"{safe_name(key)}.json"

    @property
    def journal(self) -> Journal:
        """Return the edits of the mask: verdicts on neurons, λ, the mask value."""
        return Journal(self.folder / "verdicts.json")

    @property
    def cues(self) -> CueLibrary:
        """Return the cues that a person pointed at; which of them are listed, the journal knows."""
        return CueLibrary(self.folder / "cues")

    def umap_file(self, embedding_set: EmbeddingSet) -> Path:
        """Return the file for the UMAP map of a set; other vectors have another file."""
        return self.folder / "maps" / f"umap-{embedding_set.fingerprint}.npy"

    @property
    def cache(self) -> Path:
        """Return the folder of what can be computed again: heatmaps, attributions."""
        return self.folder / "cache"

    @property
    def own_groups(self) -> OwnGroups:
        """Return the groups that a person made."""
        return OwnGroups(self.folder / "own_groups.json")
