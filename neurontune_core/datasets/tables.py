"""Tables on disk: CSV, TSV, JSON lines, Parquet and Arrow, with the mistakes that real ones hold."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.datasets.base import inside
from neurontune_core.datasets.columns import FROM_FILE
from neurontune_core.datasets.text_files import HEAD, first_lines, separator
from neurontune_core.errors import InputError
from neurontune_core.files import depths, parse_json
from neurontune_core.limits import MAX_JSON_DEPTH

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLE_ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl", ".arrow")
_TAB_ENDINGS = (".tsv", ".txt", "")  # a file without an ending, given by name, is read as tab-separated text
_JSON_BLOCK = 64 << 20  # bytes; a line must fit in one

Tables = str | Mapping[str, str | Sequence[str]]  # one file, or split -> its file or files


def read_table(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    encoding: str = "utf-8",
    header: bool = True,
    quoted: bool = True,
) -> pd.DataFrame:
    r"""Read a table; the values of a text format (CSV, TSV) are all text, an empty cell is "".

    Args:
        path: the file; its ending tells the format.
        columns: read these alone, where the table has them.
        encoding: of a text format.
        header: False names the columns "1", "2", ... and counts the first line as a row.
        quoted: False for tab-separated text in which a quote is an ordinary character.

    Raises:
        InputError: when the file is missing, of another format or encoding, empty or damaged.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "metadata.csv")
    ...     _ = file.write_text("name,y\na,1\nb,\n")
    ...     read_table(file)["y"].tolist()
    ['1', '']
    """
    if not path.is_file():
        raise InputError(f"There is no table {path}.")
    ending = path.suffix.lower()
    if ending not in (*TABLE_ENDINGS, *_TAB_ENDINGS):
        raise InputError(f"{path} is not a table of a known kind; use one of {', '.join(TABLE_ENDINGS)}.")
    try:
        if ending in (".parquet", ".arrow"):
            table = read_arrow(path, columns)
        elif ending == ".jsonl":
            table = _read_json_lines(path, columns, encoding)
        elif ending == ".csv":
            table = _read_text(path, separator(path), csv.QUOTE_MINIMAL, columns, encoding, header)
        elif quoted:
            table = _read_tabs(path, columns, encoding, header)
        else:
            table = _read_text(path, "\t", csv.QUOTE_NONE, columns, encoding, header)
    except UnicodeDecodeError as error:
        raise InputError(
            f"The table {path} is not text in {encoding} (byte {error.object[error.start]:#04x}); save it as UTF-8, "
            'or name its encoding in the spec, such as "encoding": "cp1252".'
        ) from None
    except (ValueError, OSError, LookupError, NotImplementedError, ArithmeticError, RecursionError) as error:
        if "No columns to parse" in str(error) or "Empty JSON" in str(error):
            raise InputError(f"The table {path} has no rows.") from None
        raise InputError(f"The table {path} cannot be read ({str(error).strip()}).") from None
    if table.empty:
        raise InputError(f"The table {path} has no rows.")
    return table.rename(columns=str if header else lambda name: str(int(name) + 1))


def read_tables(
    root: Path, tables: Tables, *, encoding: str = "utf-8", header: bool = True
) -> tuple[pd.DataFrame, pd.Series]:
    r"""Read one table or several as one; of several, the column `FROM_FILE` holds the split of each row's file.

    Returns:
        The rows, and the source "<file>#<row>" of each.

    Raises:
        InputError: as `read_table`, and when a file lies outside ``root``.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("y\n0\n"), Path(folder, "b.csv").write_text("y\n1\n")
    ...     table, sources = read_tables(Path(folder), {"train": "a.csv", "test": "b.csv"})
    >>> table[FROM_FILE].tolist(), sources.tolist()
    (['train', 'test'], ['a.csv#0', 'b.csv#0'])
    """
    parts = [
        (split, name, read_table(inside(root, name), encoding=encoding, header=header))
        for split, name in files_by_split(tables)
    ]
    if not parts:
        raise InputError(f"The spec names no table of {root}; give one in table.")
    return joined(parts)


def files_by_split(tables: Tables) -> list[tuple[str, str]]:
    """List (split, file) of every file of a spec's ``table``; the split is "" for a single file.

    >>> files_by_split({"train": ["a.csv", "b.csv"], "test": "c.csv"})
    [('train', 'a.csv'), ('train', 'b.csv'), ('test', 'c.csv')]
    """
    if isinstance(tables, str):
        return [("", tables)]
    return [(split, file) for split, files in tables.items() for file in ([files] if isinstance(files, str) else files)]


def joined(parts: Sequence[tuple[str, str, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.Series]:
    """Join the rows of several tables.

    Args:
        parts: (split or "", file, rows) of each.

    Returns:
        The rows, with the split of their file in `FROM_FILE`, and the source "<file>#<row>" of each.

    >>> import pandas as pd
    >>> table, sources = joined([("", "a.csv", pd.DataFrame({"y": ["0", "1"]}))])
    >>> sources.tolist()
    ['a.csv#0', 'a.csv#1']
    """
    import pandas as pd

    sources = pd.Series([f"{name}#{row}" for _, name, part in parts for row in range(len(part))])
    tables = [part.assign(**{FROM_FILE: split}) if split else part for split, _, part in parts]
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True), sources


def read_header(path: Path) -> list[str]:
    """Return the column names of a CSV file; empty when the file does not exist or cannot be read.

    >>> read_header(Path("no such file.csv"))
    []
    """
    try:
        return next(csv.reader(first_lines(path), delimiter=separator(path)), []) if path.is_file() else []
    except (OSError, UnicodeError, csv.Error):
        return []


def column_names(path: Path) -> list[str]:
    r"""Return the columns of a table from its first line or its schema; empty where they cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jsonl").write_text('{"text": "a good one", "label": 1}\n')
    ...     column_names(Path(folder, "a.jsonl"))
    ['text', 'label']
    """
    ending = path.suffix.lower()
    try:
        if ending == ".parquet":
            import pyarrow.parquet as pq

            return [str(name) for name in pq.read_schema(path).names]
        if ending == ".arrow":
            return [str(name) for name in arrow_table(path).column_names]
        if ending == ".jsonl":
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                return list(parse_json(file.readline(HEAD), path))
        return next(csv.reader(first_lines(path), delimiter=separator(path) if ending == ".csv" else "\t"), [])
    except (OSError, ValueError, TypeError, RecursionError, csv.Error):  # pyarrow's errors are ValueErrors
        return []


def read_arrow(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read columns of a Parquet or Arrow file into memory.

    Args:
        path: the file.
        columns: read these alone, where the file has them; all by default.

    Raises:
        ValueError, OSError: pyarrow's, when the file is damaged.

    >>> import pandas as pd
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     pd.DataFrame({"text": ["a"], "label": [1]}).to_parquet(Path(folder, "a.parquet"))
    ...     read_arrow(Path(folder, "a.parquet"), ["label"])["label"].tolist()
    [1]
    """
    return arrow_table(path, columns).to_pandas()


def arrow_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Open a Parquet file, or memory-map an Arrow file or stream.

    Args:
        path: the file.
        columns: open these alone, where the file has them; all by default.

    Raises:
        ValueError, OSError: pyarrow's, when the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        names = pq.read_schema(path).names
        return pq.read_table(path, columns=None if columns is None else [name for name in columns if name in names])
    with pa.memory_map(str(path)) as source:
        try:
            table = pa.ipc.open_stream(source).read_all()  # what Hugging Face writes
        except pa.ArrowInvalid:
            table = pa.ipc.open_file(source).read_all()
    return table if columns is None else table.select([name for name in columns if name in table.column_names])


def _read_json_lines(path: Path, columns: Sequence[str] | None, encoding: str) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import json

    _refuse_odd_lines(path)
    schema = pa.schema([(name, pa.string()) for name in columns]) if columns else None
    ignoring = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore" if columns else "infer")
    try:
        return json.read_json(path, json.ReadOptions(block_size=_JSON_BLOCK), ignoring).to_pandas()
    except pa.ArrowInvalid:  # a column of several types or another encoding, which pandas reads
        table = pd.read_json(path, lines=True, dtype=False, convert_dates=False, encoding=encoding)
        return table if columns is None else table[[name for name in columns if name in table]]


def _refuse_odd_lines(path: Path) -> None:
    """Refuse lines that are no whole JSON object, or nested deep: a reader in C++ would recurse into them, or across
    them, until the process dies.

    Raises:
        ValueError: naming the line.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            line = line.removeprefix(codecs.BOM_UTF8).strip()
            if not line:
                continue
            counts = [line.count(sign) for sign in (b"{", b"}", b"[", b"]")]
            whole = line.startswith(b"{") and line.endswith(b"}")
            if whole and counts[0] == counts[1] and counts[2] == counts[3] and counts[0] + counts[2] <= MAX_JSON_DEPTH:
                continue
            deepest, open_at_end = depths(line.decode("utf-8", "replace"))
            if deepest > MAX_JSON_DEPTH:
                raise ValueError(f"brackets stand {deepest:,} deep in line {number}, up to {MAX_JSON_DEPTH} are read")
            if not whole or open_at_end:
                raise ValueError(f"line {number} is no whole JSON object")


def _read_text(
    path: Path, separator: str, quoting: Any, columns: Sequence[str] | None, encoding: str, header: bool
) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_csv(
        path,
        sep=separator,
        quoting=quoting,
        usecols=None if columns is None else lambda name: name in columns,
        dtype=str,
        keep_default_na=False,
        encoding="utf-8-sig" if encoding == "utf-8" else encoding,
        header=0 if header else None,
    )
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError("its rows have more cells than its header has names")
    return table


def _read_tabs(path: Path, columns: Sequence[str] | None, encoding: str, header: bool) -> pd.DataFrame:
    """Read tab-separated text, whose quotes may delimit cells (spreadsheets) or be ordinary characters (GLUE), as its
    cells suggest.
    """
    try:
        plain = _read_text(path, "\t", csv.QUOTE_NONE, columns, encoding, header)
    except UnicodeDecodeError:
        raise
    except ValueError:  # a quoted cell that holds a tab or a line break
        return _read_text(path, "\t", csv.QUOTE_MINIMAL, columns, encoding, header)
    quoted = [cell for cell in chain.from_iterable(plain[name] for name in plain.columns) if cell.startswith('"')]
    balanced = all(len(cell) > 1 and cell.endswith('"') for cell in quoted)
    with path.open("rb") as file:  # a line break inside a cell makes lines with fewer tabs
        even = len({line.count(b"\t") for line in file if line.strip()}) == 1
    if quoted and (balanced or not even):
        return _read_text(path, "\t", csv.QUOTE_MINIMAL, columns, encoding, header)
    return plain
