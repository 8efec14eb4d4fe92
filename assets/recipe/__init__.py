"""How the built-in example is made: `parts`, then `compose`, then `train`, then `ship`."""
