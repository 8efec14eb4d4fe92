"""Write the mask, the head, the whole model and a model card to files, each read back and compared first."""
