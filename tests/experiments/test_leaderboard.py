"""The leaderboard as text: what LaTeX and Markdown must not read as commands, and published numbers kept apart."""

from __future__ import annotations

import csv
import io
import re

import pytest

from neurontune_core import InputError, TuneConfig
from neurontune_core.baselines.registry import METHODS
from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from neurontune_core.experiments.leaderboard import (
    leaderboard_rows,
    published_beside,
    to_csv,
    what_to_know,
    with_published,
)
from neurontune_core.experiments.methods import MethodSummary, SeedRun
from neurontune_core.tables import latex_text, markdown_text, to_latex, to_markdown

GROUPS = ("a & b", "c_d")


def run(seed: int, first: int, second: int) -> SeedRun:
    groups = (Proportion(GROUPS[0], first, 10), Proportion(GROUPS[1], second, 20))
    return SeedRun(seed, Evaluation(Proportion("all", first + second, 30), groups, groups), 0.5)


def summaries() -> list[MethodSummary]:
    done = MethodSummary(METHODS["neurontune_halves"], TuneConfig(), (run(0, 8, 18), run(1, 6, 18)), (0.9, 0.1))
    failed = MethodSummary(
        METHODS["dfr"], METHODS["dfr"].settings(), error='Group "a & b_1" has 100 % | <b>none</b> of $x'
    )
    return [done, failed]


def test_numbers_are_those_of_a_pocket_calculator() -> None:
    done, failed = leaderboard_rows(summaries())
    assert done["worst group"] == "70.0 ± 14.1"
    assert done["average"] == "83.3 ± 4.7"  # 26 and 24 of 30: half their difference times √2, a sample's deviation
    assert done["average, re-weighted"] == "72.0 ± 12.7"  # .9 * .8 + .1 * .9 = .81 and .63
    assert done["gap"] == "13.3 ± 9.4"
    assert (done["seeds"], failed["seeds"]) == ("2", "0")
    assert (done["uses groups"], failed["uses groups"]) == ("no", "yes")


def test_latex_prints_what_users_wrote_and_runs_none_of_it() -> None:
    text = to_latex(leaderboard_rows(summaries()))
    assert r"NeuronTune\textdagger{} & no & 70.0 $\pm$ 14.1 &" in text
    assert r"Group \textquotedbl{}a \& b\_1\textquotedbl{} has 100 \% \textbar{} \textless{}b\textgreater{}" in text
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert all(len(re.findall(r"(?<!\\)&", line)) == 9 for line in body.strip().splitlines())
    assert latex_text(r"\input{x}^~#") == r"\textbackslash{}input\{x\}\textasciicircum{}\textasciitilde{}\#"


def test_markdown_shows_what_users_wrote() -> None:
    text = to_markdown(leaderboard_rows(summaries()))
    lines = text.splitlines()
    assert lines[1] == "| " + " | ".join(["---"] * 10) + " |"
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 11 for line in lines)
    assert "<b>" not in text
    assert markdown_text("*x* <i> $y$ |") == r"\*x\* &lt;i&gt; \$y\$ \|"


def test_csv_has_every_number_in_its_own_column() -> None:
    done, failed = csv.DictReader(io.StringIO(to_csv(summaries())))
    assert (done["worst group"], done["worst group sd"], done["seconds"]) == ("70.00", "14.14", "0.500")
    assert (done["key"], failed["key"], failed["worst group"]) == ("neurontune_halves", "dfr", "")
    assert failed["failed"] == summaries()[1].error


def test_published_numbers_are_marked_and_their_traps_are_said() -> None:
    result = published_beside("civilcomments")
    rows = with_published(leaderboard_rows(summaries()), result)
    assert [row["from"] for row in rows[:2]] == ["measured", "measured"]
    assert all(row["from"].startswith("published") for row in rows[2:])
    erm = next(row for row in rows[2:] if row["method"] == "ERM")
    assert (erm["worst group"], erm["average"], erm["worst class"]) == ("57.4", "92.6", "–")
    assert "16 overlapping groups" in erm["from"]
    afr = next(row for row in rows[2:] if row["method"] == "AFR")
    assert afr["uses groups"] == "yes, validation"
    text = " ".join(what_to_know(result))
    assert "16 overlapping groups" in text
    assert "learning rate" in text
    assert "re-weighted" in " ".join(what_to_know(published_beside("waterbirds")))
    lines = list(csv.DictReader(io.StringIO(to_csv(summaries(), result))))
    assert sum(line["from"] == "measured" for line in lines) == 2
    assert next(line for line in lines[2:] if line["key"] == "erm")["worst group"] == "57.4"


def test_an_unknown_data_set_is_refused() -> None:
    with pytest.raises(InputError, match='no published numbers on "mnist"; use one of waterbirds'):
        published_beside("mnist")
