"""Take the mask, the head, the whole model and a model card home, each read back and compared first."""
