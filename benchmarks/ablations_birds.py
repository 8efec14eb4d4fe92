"""The paper's ablations on Waterbirds-style composites (see waterbirds_style.py), as `docs/ablations.md` holds them.

The ERM head is scikit-learn's logistic regression on the training features, C = 0.01. Identification is val (176
pictures), tuning is train, or one half of val tunes and the other identifies. Groups are counted on test alone.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from waterbirds_style import erm_head, load, shared_data

from neurontune_core import evaluate
from neurontune_core.experiments.ablation_run import ablation_table, run_ablation
from neurontune_core.experiments.ablations import ABLATIONS
from neurontune_core.experiments.stability import stability, stability_table
from neurontune_core.tables import to_markdown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared_data(), help="folder with waterbirds_style/")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--studies", nargs="+", default=list(ABLATIONS))
    arguments = parser.parse_args()
    splits = load(arguments.data / "waterbirds_style")
    sets = {"identification": splits["val"], "tuning": splits["train"], "evaluation": splits["test"]}
    head = erm_head(splits["train"], 0.01)
    erm = evaluate(head, splits["test"])
    print(f"ERM: worst group {100 * (erm.worst_group_accuracy or 0):.1f}, average {100 * erm.accuracy:.1f}\n")
    for key in arguments.studies:
        study = ABLATIONS[key]
        began = time.process_time()
        rows = ablation_table(run_ablation(study, head, sets, seeds=arguments.seeds))
        seconds = time.process_time() - began
        print(f"## {study.title}\n\n{to_markdown(rows)}\n{seconds:.0f} processor seconds\n", flush=True)
    print("## How stable S is\n\n" + to_markdown(stability_table(stability(head, splits["val"]))))


if __name__ == "__main__":
    main()
