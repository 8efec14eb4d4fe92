"""The command line: what the screens do, as verbs for scripts. Bad input ends with exit code 2 and one sentence."""

from __future__ import annotations

from collections.abc import Callable

import typer

from neurontune_core.cli import (
    ablate,
    advise,
    arrays,
    compare,
    cue,
    export,
    figure,
    identify,
    inspect,
    projects,
    reproduce,
    theory,
    train,
)
from neurontune_core.cli.options import Verbs

app = typer.Typer(
    cls=Verbs,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Find the neurons a trained classifier is biased by, mask them, retrain its last layer, check what changed.",
)


@app.callback(invoke_without_command=True)
def _start(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


_VERBS: dict[str, Callable[..., None]] = {
    "example": projects.example,
    "inspect": inspect.inspect,
    "import": arrays.import_,
    "train": train.train,
    "extract": projects.extract,
    "identify": identify.identify,
    "figure": figure.figure,
    "cue": cue.cue,
    "tune": arrays.tune,
    "advise": advise.advise,
    "evaluate": arrays.evaluate,
    "compare": compare.compare,
    "ablate": ablate.ablate,
    "reproduce": reproduce.reproduce,
    "export": export.export,
    "theory": theory.theory,
    "app": projects.app,
}
for name, verb in _VERBS.items():
    app.command(name)(verb)


def main() -> None:
    app()
