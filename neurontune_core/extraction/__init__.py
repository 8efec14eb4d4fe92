"""Turn a network and a dataset into an EmbeddingSet, or read one from ready-made arrays."""
