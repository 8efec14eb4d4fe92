"""The verb theory: the claims of the paper, computed on data that is drawn from its model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from neurontune_core.cli.compare import write
from neurontune_core.cli.options import AsJson, answer, table
from neurontune_core.errors import InputError


def theory(
    claim: Annotated[
        Literal["lemma", "majority", "principle", "scores", "removal", "retraining", "synthetic"],
        typer.Argument(
            help="Lemma 1, Lemma 2 (majority), Proposition 4.1 (principle), Theorem 4.2 (scores), Theorem 4.3 "
            "(removal), Lemma 3 and A.3 (retraining), or the experiment of Section 5.3 (synthetic)."
        ),
    ],
    p: Annotated[float, typer.Option("--p", help="How often the shortcut agrees with the answer, 0.5 to 1.")] = 0.95,
    eta_core: Annotated[float, typer.Option(help="Standard deviation of the core feature's noise.")] = 1.0,
    eta_spu: Annotated[float, typer.Option(help="Standard deviation of the shortcut's noise.")] = 0.1,
    neurons: Annotated[int, typer.Option(help="M, neurons of a random network: 10 to 200.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of samples and networks.", min=0)] = 0,
    retrain: Annotated[bool, typer.Option("--retrain", help="removal: retrain the last layer afterwards.")] = False,
    premise: Annotated[
        bool,
        typer.Option("--premise", help="removal: every neuron weighs core feature and shortcut alike (Theorem 4.3)."),
    ] = False,
    p_re: Annotated[float, typer.Option(help="retraining: how often the shortcut agrees in the new data.")] = 0.7,
    weight: Annotated[float, typer.Option(help="retraining: how often a misled sample counts.", min=0)] = 1.0,
    identify_on: Annotated[
        float, typer.Option(help="synthetic: how often the shortcut holds in the identification data, 0 to 1.")
    ] = 0.95,
    coding: Annotated[
        Literal["paper", "centered"],
        typer.Option(help="synthetic: the spurious neuron at 0 and 1 (the paper), or at −1 and +1 (centered)."),
    ] = "paper",
    seeds: Annotated[
        int | None, typer.Option(help="synthetic: summarize so many seeds instead of one.", min=1, max=1000)
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write text, table and figures to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute what the paper's theory claims.

    Each claim comes with what it shows and where it stops holding.
    """
    from neurontune_core.theory import CLAIMS, DataModel, report, report_lemmas, report_synthetic
    from neurontune_core.theory.answers import as_html

    model = DataModel(p, eta_core, eta_spu)
    if claim == "lemma":
        result = report.lemma(model, seed)
    elif claim == "scores":
        result = report.scores(model, neurons, seed)
    elif claim == "majority":
        result = report_lemmas.majority(model, seed)
    elif claim == "principle":
        result = report_lemmas.principle(model, neurons, seed)
    elif claim == "removal":
        result = report.removal(model, neurons, seed, retrain, premise)
    elif claim == "retraining":
        result = report_lemmas.retraining(model, p_re, weight, seed)
    elif seeds is None:
        result = report_synthetic.synthetic(seed, identify_on, coding)
    else:
        if html:
            raise InputError("A summary over seeds has no figure; leave out --seeds to write one seed with --html.")
        result = report_synthetic.synthetic_summary(seeds, identify_on, coding)
    if html:
        drawn = report_synthetic.activations(seed, identify_on, coding) if claim == "synthetic" else {}
        write(html, as_html(replace(result, figures=result.figures | drawn)))
    about = CLAIMS[claim]
    lines = (
        about.title,
        about.shows,
        f"Where it stops: {about.stops}",
        *([f"Why: {about.why}"] if about.why else []),
        table(list(result.rows[0]), [list(row.values()) for row in result.rows]),
        result.note,
    )
    answer(as_json, {"claim": claim} | result.numbers, "\n\n".join(lines))
