"""Measure accuracy by class and group, and find where misclassified samples gather."""
