"""The methods of the paper's tables on cached embeddings, all run alike: ``METHODS[key].run(head, ide, tune)``."""
