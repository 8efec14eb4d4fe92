"""What the verbs of the command line share: one-sentence errors, answers, progress, options made from settings."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup

from neurontune_core import tables
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation
from neurontune_core.tables import aligned_lines
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.published_presets import ALL_PRESETS

_FLAGS = {
    "learning_rate": "--lr",
    "masking": "--mask/--no-mask",
    "magnitude": "--magnitude/--signed",
    "fresh_head": "--fresh-head/--own-head",
    "milestones": "--milestone",
}

PresetName = Annotated[
    Literal["paper", "robust", "waterbirds", "celeba", "imagenet9", "multinli", "civilcomments"],
    typer.Option(
        "--preset",
        help="Settings that the other options change: the paper's, more robust ones (ours), or those of Table 10.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Head = Annotated[Path, typer.Option("--head", help="The head: safetensors with weight [C, M] and bias [C].")]
Out = Annotated[Path, typer.Option("--out", help="The folder to write to.")]


class Verbs(TyperGroup):
    """The verbs; failures end with one sentence on standard error.

    Exit code 2: bad input; 1: a file cannot be read or written, or a check failed; 130: stopped by Ctrl-C.
    """

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
        except (InputError, typer.TyperException) as error:
            message = getattr(error, "format_message", error.__str__)()  # usage errors keep the option's name apart
            _fail(message, 2)
        except OSError as error:
            _fail(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.", 1)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            progress("")
            note("Stopped before it was done.")
            raise typer.Exit(130) from None


def _fail(sentence: str, code: int) -> None:
    note(f"{' '.join(sentence.split()).rstrip('.')}.")
    sys.exit(code)


def note(sentence: str) -> None:
    """Print a message on standard error; standard output carries only the answer."""
    typer.echo(sentence, err=True)


def warn(sentences: Sequence[str]) -> None:
    """Print warnings on standard error."""
    for sentence in sentences:
        note(f"Warning: {sentence}")


def answer(as_json: bool, value: dict[str, Any], text: str) -> None:
    """Print the result: one JSON object, or text.

    >>> answer(True, {"epoch": 3}, "epoch 3")
    {"epoch": 3}
    """
    typer.echo(json.dumps(value, allow_nan=False) if as_json else text)


def progress(line: str) -> None:
    """Replace the progress line on a terminal; nothing is written to files and pipes."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()


@contextmanager
def stoppable() -> Iterator[None]:
    """Handle Ctrl-C in work that the same command resumes: one sentence and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        progress("")
        note("Stopped; the same command resumes it.")
        raise typer.Exit(130) from None
    progress("")


def job_progress(*, done: int, total: int, rate: float = 0.0, message: str = "") -> None:
    """Show the report of a job as a progress line."""
    left = f", {(total - done) / rate:.0f} s left" if rate else ""
    progress(f"{message}: {done} of {total} samples, {rate:.1f} a second{left}" if total else message)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format rows as columns aligned by spaces, the first to the left.

    >>> print(table(("", "average"), [("ERM", "81.3 %")]))
         average
    ERM   81.3 %
    """
    return "\n".join(aligned_lines([head, *rows]))


def percent(share: float | None) -> str:
    return tables.percent(share, missing="unknown")


def headline(evaluations: Mapping[str, Evaluation]) -> str:
    """Format four accuracies of each head as a table.

    >>> from neurontune_core.evaluation.accuracy import Evaluation, Proportion
    >>> parts = (Proportion("cat", 3, 4), Proportion("dog", 2, 4))
    >>> print(headline({"ERM": Evaluation(Proportion("all", 5, 8), parts, ())}))
         average  worst group      gap  worst class
    ERM   62.5 %      unknown  unknown       50.0 %
    """
    measures = ("accuracy", "worst_group_accuracy", "accuracy_gap", "worst_class_accuracy")
    rows = [
        [name, *(percent(getattr(evaluation, measure)) for measure in measures)]
        for name, evaluation in evaluations.items()
    ]
    return table(("", "average", "worst group", "gap", "worst class"), rows)


def pairs_of(words: Sequence[str] | None, option: str) -> dict[str, str]:
    """Parse the values of a repeated option, such as "key=value", into a dictionary.

    Raises:
        InputError: for a value without "=".

    >>> pairs_of(["epochs=20", "seed = 3"], "--set")
    {'epochs': '20', 'seed': '3'}
    """
    wrong = [word for word in words or () if "=" not in word]
    if wrong:
        raise InputError(f'{option} has the value "{wrong[0]}"; write it as name=value.')
    return {key.strip(): value.strip() for key, _, value in (word.partition("=") for word in words or ())}


def described(embedding_set: EmbeddingSet) -> str:
    """Return the size of a set as text.

    >>> import numpy as np
    >>> from neurontune_core.embeddings import EmbeddingSet
    >>> described(EmbeddingSet(np.eye(2), [0, 1], ("cat", "dog"), split="val"))
    'val, 2 samples of 2 neurons'
    """
    split = f"{embedding_set.split}, " if embedding_set.split else ""
    return f"{split}{embedding_set.num_samples} samples of {embedding_set.num_neurons} neurons"


def flag(setting: str) -> str:
    """Return the option of a setting; of a switch, both words separated by a slash.

    >>> flag("mask_value"), flag("masking")
    ('--mask-value', '--mask/--no-mask')
    """
    return _FLAGS.get(setting, f"--{setting.replace('_', '-')}")


def _is_given(context: Any, option: str) -> bool:
    return bool(context.get_parameter_source(option).name != "DEFAULT")


def with_settings(
    *names: str, of: type = TuneConfig, presets: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb one option per setting of the dataclass ``of`` (or per named one).

    With ``presets`` there is ``--preset`` too, whose settings hold where no option is given.

    The verb gets them as its parameter ``config``, an instance of ``of``; or as its parameter ``changes``, a dictionary
    of those that were given.
    """

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        settings = [setting for setting in fields(of) if not names or setting.name in names]
        types = get_type_hints(of)
        declared = inspect.signature(verb, eval_str=True).parameters
        as_changes = "changes" in declared

        def with_options(context: Any = None, **options: Any) -> None:
            values = {setting.name: options.pop(setting.name) for setting in settings}
            values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
            if as_changes:
                verb(changes={name: value for name, value in values.items() if value is not None}, **options)
            elif presets:
                on_line = {name: value for name, value in values.items() if _is_given(context, name)}
                verb(config=replace(ALL_PRESETS[options.pop("preset")].config, **on_line), **options)
            else:
                verb(config=of(**values), **options)

        parameters = [parameter for parameter in declared.values() if parameter.name not in ("config", "changes")]
        for setting in settings:
            kind = types[setting.name]
            if get_origin(kind) is tuple:  # repeated on the command line
                kind = list[get_args(kind)[0]]  # type: ignore[misc]
            option = typer.Option(flag(setting.name), help=setting.metadata["help"])
            parameters.append(
                inspect.Parameter(
                    setting.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=None if as_changes else setting.default,
                    annotation=Annotated[kind | None if as_changes else kind, option],
                )
            )
        if presets:
            parameters.append(
                inspect.Parameter("preset", inspect.Parameter.KEYWORD_ONLY, default="paper", annotation=PresetName)
            )
            parameters.append(inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))
        with_options.__name__, with_options.__doc__ = verb.__name__, verb.__doc__
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        return with_options

    return decorate
