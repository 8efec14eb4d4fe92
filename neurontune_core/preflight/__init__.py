"""Inspection of a model and a dataset before extraction: what they are, whether they fit, what extraction will take."""
