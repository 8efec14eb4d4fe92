"""The report as one page of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neurontune_core.datasets.base import SAMPLE_NOUNS
from neurontune_core.preflight.cost import in_words, size
from neurontune_core.preflight.report import Count, DataFacts, ModelFacts, Report, SampleAccuracy
from neurontune_core.tables import aligned_lines, percent

_MAX_ROWS = 24
_MARKS = {"blocker": "BLOCKER", "warning": "Warning", "note": "Note"}


def page(report: Report, next_command: str) -> str:
    """Format a report for the terminal.

    Args:
        report: the report.
        next_command: the command that comes next; empty where there is none.

    >>> from neurontune_core.preflight.report import Report
    >>> page(Report(None, None, None, None, (), None, None), "").splitlines()[:2]
    ['Model', '    not recognized']
    """
    parts = [
        ("Model", model_lines(report.model) if report.model else ["not recognized"]),
        ("Data", data_lines(report.data) if report.data else ["not recognized"]),
        ("Sample", accuracy_lines(report.accuracy) if report.accuracy else ["the model was not run"]),
        ("Extraction", cost_lines(report)),
    ]
    lines = [line for title, body in parts for line in _block(title, body)]
    for finding in report.findings:
        lines += ["", *_wrapped(f"{_MARKS[finding.level]}: {finding.sentence}", "")]
        fix = " ".join(filter(None, (finding.fix, finding.flags)))
        lines += _wrapped(fix, "    ") if fix else []
    verdict = {"OK": "Nothing is in the way.", "warnings": "It can be extracted; heed the warnings."}
    closing = verdict.get(report.status, "It cannot be extracted yet.")
    lines += ["", f"{report.status}: {closing} The inspection took {in_words(report.seconds)}."]
    return "\n".join([*lines, "", next_command] if next_command else lines)


def model_lines(facts: ModelFacts) -> list[str]:
    """Describe the network in sentences."""
    size_of = f"{facts.num_parameters:,} parameters"
    head = (
        f'Its head "{facts.head}" is {facts.num_classes} x {facts.num_neurons}: {facts.num_classes} classes over '
        f"{facts.num_neurons} neurons."
        if facts.head
        else f"It has no head; its embedding has {facts.num_neurons} neurons."
    )
    lines = [facts.description] if facts.description else []
    return [*lines, f"{facts.architecture}, {size_of}.", head, *facts.loading, _input_line(facts)]


def _input_line(facts: ModelFacts) -> str:
    """Describe how a sample becomes the network's input, and the source of these settings."""
    settings, origin = facts.input, f" From: {facts.input_from}." if facts.input_from else ""
    if facts.modality != "image":
        sample = "each pair of texts" if settings["pairs"] else "each text"
        return f"It reads {sample} as at most {settings['max_length']} tokens of its {settings['tokenizer']}.{origin}"
    side, resized = settings["image_size"], settings["resize"]
    how = (
        f"squashed to {resized} x {resized}"
        if settings["resize_mode"] == "squash"
        else f"scaled to {resized} on the short side"
    )
    mean, std = (" ".join(f"{value:.4g}" for value in settings[key]) for key in ("mean", "std"))
    if "processor" in settings:
        return (
            f"Images go through its own {settings['processor']}, which makes them {side} x {side} and normalizes "
            f"them by mean {mean} and std {std}.{origin}"
        )
    return (
        f"Images are {how} ({settings['interpolation']}), cropped to {side} x {side}, and normalized by mean {mean} "
        f"and std {std}.{origin}"
    )


def data_lines(facts: DataFacts) -> list[str]:
    """Describe the data: a sentence, the samples by split, class and group, and how many could be read."""
    description = [facts.description] if facts.description else []
    read = facts.opened - facts.unreadable
    looked = (
        f"{facts.opened:,} of {facts.num_samples:,} {SAMPLE_NOUNS[facts.modality]} were opened; {read:,} can be read."
    )
    lines = [*description, "", *table(facts.counts), ""]
    if facts.overlapping:
        lines += ["Overlapping groups; a sample may be in several or in none:", "", *table(facts.overlapping), ""]
    return [*lines, looked]


def accuracy_lines(accuracy: SampleAccuracy) -> list[str]:
    low, high = accuracy.interval
    where = f' of split "{accuracy.split}"' if accuracy.split else ""
    lines = [
        f"Right on {accuracy.correct} of {accuracy.n} samples{where}, classes drawn evenly: "
        f"{percent(accuracy.accuracy, 0)} (95 % interval {100 * low:.0f}-{percent(high, 0)}); "
        f"always giving one answer would get {percent(accuracy.chance, 0)}.",
    ]
    if accuracy.normalizations:
        others = ", ".join(f"{trial.name} {percent(trial.accuracy, 0)}" for trial in accuracy.normalizations)
        fewest = min(trial.n for trial in accuracy.normalizations)
        lines.append(f"With other normalizations, of the first {fewest} or more: {others}.")
    return [*lines, accuracy.order_note]


def cost_lines(report: Report) -> list[str]:
    cost = report.cost
    if cost is None:
        return ["not measured"]
    return [
        f"About {in_words(cost.seconds)} on {cost.device} ({cost.samples_per_second:.1f} samples a second, measured on "
        f"{cost.measured}), {size(cost.memory)} of memory on top of the program, {size(cost.disk)} on disk."
    ]


def table(counts: Sequence[Count]) -> list[str]:
    """Format counts as lines with one row per class and group, and one column per split.

    >>> from neurontune_core.preflight.report import Count
    >>> table([Count("train", "cat", "", 90), Count("test", "cat", "", 10)])
    ['        train  test', 'cat        90    10', 'in all     90    10']
    """
    splits = list(dict.fromkeys(count.split for count in counts))
    rows: dict[str, dict[str, int]] = {}
    for count in counts:
        rows.setdefault(count.group or count.label, {})[count.split] = count.n
    body = [[name, *(f"{by_split.get(split, 0):,}" for split in splits)] for name, by_split in rows.items()]
    empty = [name for name, by_split in rows.items() if not any(by_split.values())]
    if len(body) > _MAX_ROWS:
        body = [line for line in body if line[0] not in empty]
    left_out = body[_MAX_ROWS:]
    total = [sum(by_split.get(split, 0) for by_split in rows.values()) for split in splits]
    lines = [["", *(split or "all" for split in splits)], *body[:_MAX_ROWS]]
    lines += [[f"... and {len(left_out)} more", *[""] * len(splits)]] if left_out else []
    lines += [["in all", *(f"{count:,}" for count in total)]] if counts and counts[0].label else []
    return aligned_lines(lines)


def _block(title: str, body: Sequence[str]) -> Iterator[str]:
    yield title
    for line in body:
        yield from _wrapped(line, "    ")
    yield ""


def _wrapped(line: str, indent: str, width: int = 110) -> list[str]:
    import textwrap

    if "  " in line or not line:  # a row of a table
        return [f"{indent}{line}".rstrip()]
    return textwrap.wrap(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
