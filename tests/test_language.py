"""One language: docstrings begin with a verb, names are terms of the field, spelling is American."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = sorted(
    path for top in ("neurontune_core", "pages", "benchmarks", "tests") for path in (ROOT / top).rglob("*.py")
)
CODE = [*CODE, ROOT / "app.py"]
PROSE = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
COMMON_VERBS = """
    accept account add adjust adopt advance advise align allow answer append apply arrange ask assemble assert
    assign attach average balance begin bind bound build call cancel carry catch center change check choose clean
    clear clip close cluster collect color combine compare compile complete compose compute confirm convert copy
    correct count create crop cut deal decide declare decode define delete derive describe detect determine digest
    discard display divide do download draw drop embed encode end ensure erase estimate evaluate exclude expand
    explain export express extend extract fail fetch fill filter find finish fit flag fold follow forget format
    freeze gather generate get give go group guess hand handle hash hide hold identify ignore import include index
    infer insert inspect install interleave interpolate iterate join judge jump keep label launch lay learn leave
    let limit list listen load locate log look make map mark mask match measure merge minimize mirror move multiply
    name narrow normalize note number offer open order pack pad parse partition pass pause perform pick place plan
    play plot point pool predict prefetch prepare present press print produce project propose provide pull put quote
    raise rank read reattach rebuild recall recognize recommend record redo reduce refine refuse register release
    reload remember remove rename render repeat replace report request require resample rescale reset resize resolve
    restore resume retrain retry return reverse revert rotate round route run sample save say scale scan score
    search seed select send separate serve set settle show shuffle shut sign simulate skip solve sort split stack
    standardize start state step stop store stream strip submit subsample subtract suggest sum summarize swap switch
    take tell test time tokenize total trace track train transform translate truncate try tune turn undo unpack
    update upload use validate vary verify visit wait walk warm warn weigh weight widen wrap write yield zero
"""
VERBS = frozenset(COMMON_VERBS.split())
UNCLEAR_NAMES = {"here", "said", "told", "found", "given", "wanted", "wish", "wished", "shelf", "mend", "silence"}
BRITISH = re.compile(
    r"\b\w*(colour|(normal|summar|organ|recogn|minim|maxim|optim|token|initial|standard|general|regular)is(e|ed|es|ing|ation)\b"
    r"|neighbour|behaviour|favour|centre|labell|judgement|\bgrey\b|artefact)\w*",
    re.IGNORECASE,
)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def names(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every name that the file gives to a variable, an argument, a function or an attribute."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    wrong = []
    for path in CODE:
        for function in functions(path):
            first = (ast.get_docstring(function) or "Return").split()[0].rstrip(",;:.")
            if first.lower() not in VERBS:
                wrong.append(f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {first}")
    assert not wrong, "\n".join(wrong)


def test_names_are_terms_that_can_be_searched_for() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in CODE
        for name, line in names(path)
        if name.strip("_") in UNCLEAR_NAMES
    ]
    assert not wrong, "\n".join(wrong)


def test_spelling_is_american() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number} {match[0]}"
        for path in [*CODE, *PROSE]
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in BRITISH.finditer(line)
    ]
    assert not wrong, "\n".join(wrong)
