"""Make the built-in example, assets/example, from its parts: compose the images, train the network, extract.

It needs no connection and no other data. Training takes minutes on two processor cores, and an interrupted one goes
on after its last whole epoch. The same machine and versions give the same files; another machine gives the same
images, and a network that differs as one seed differs from another.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from recipe import compose, parts, ship, train

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--example", type=Path, default=ROOT / "assets" / "example", help="folder with parts/")
    parser.add_argument(
        "--cut", type=Path, metavar="FOLDER", help="first cut the parts anew, from images/ and silhouettes/ in FOLDER"
    )
    parser.add_argument(
        "--more-seeds",
        type=int,
        nargs="+",
        default=[],
        help=f"train and measure these too, beside the shipped seed {ship.SHIPPED_SEED}",
    )
    arguments = parser.parse_args()
    if arguments.cut:
        parts.cut(arguments.cut, arguments.example / "parts")
    print(f"{len(compose.compose_all(arguments.example))} images")
    for seed in (ship.SHIPPED_SEED, *arguments.more_seeds):
        weights = train.train(arguments.example, seed, ROOT / "build" / "example")
        ship.record(weights, seed, arguments.example)
        if seed == ship.SHIPPED_SEED:
            ship.ship(weights, arguments.example)
        ship.write_provenance(arguments.example)


if __name__ == "__main__":
    main()
