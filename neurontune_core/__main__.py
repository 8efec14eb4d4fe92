"""``python -m neurontune_core``: the command line."""

from neurontune_core.cli import main

main()
