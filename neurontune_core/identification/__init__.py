"""Score the neurons (Eq. 5), say which are biased (Eq. 6), and how sure that is."""
