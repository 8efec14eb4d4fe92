"""Make the built-in examples assets/faces and assets/faces-biased: fetch the faces, compose, train five seeds, extract.

The first run fetches two packages (`npm pack`, `apt-get download`) into build/; later ones need no connection.
An interrupted run resumes after its last whole seed. The same machine and versions give the same files; another machine
gives the same images, and networks that differ as one seed differs from another.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from recipe import emoji, faces, faces_project

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Make the examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "assets", help="folder of faces/ and faces-biased/")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "examples", help="folder of what is kept")
    arguments = parser.parse_args()
    rows = faces.compose_all(arguments.out / "faces", emoji.fetch(arguments.build / "sources"))
    print(f"{len(rows)} images")
    faces_project.make(arguments.out / "faces", arguments.out / "faces-biased", arguments.build / "faces")


if __name__ == "__main__":
    main()
