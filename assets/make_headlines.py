"""Make the second built-in example, assets/headlines, from its table: embed the headlines, fit the head, measure.

It needs the packaged sentence encoder and no connection. The same machine and versions give the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from recipe import headlines

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--example", type=Path, default=ROOT / "assets" / "headlines", help="folder with headlines.csv")
    parser.add_argument(
        "--corpus", type=Path, metavar="FOLDER", help="first draw the table anew, from the two .gz files in FOLDER"
    )
    arguments = parser.parse_args()
    if arguments.corpus:
        headlines.draw(arguments.corpus, arguments.example / "headlines.csv")
    headlines.ship(arguments.example)


if __name__ == "__main__":
    main()
