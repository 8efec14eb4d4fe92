"""Make the built-in example assets/reviews: write the reviews, embed five draws of the training texts, fit the heads.

It needs the packaged sentence encoder and no connection. The same machine and versions give the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from recipe import reviews_project

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Make the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "assets", help="folder of reviews/")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "examples", help="folder of what is kept")
    arguments = parser.parse_args()
    reviews_project.make(arguments.out / "reviews", arguments.build / "reviews")


if __name__ == "__main__":
    main()
