"""Turn a network and a data set into an EmbeddingSet, or read one from ready-made arrays."""
