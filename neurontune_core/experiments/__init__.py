"""Methods compared over seeds, ablations, and the paper's tables."""
