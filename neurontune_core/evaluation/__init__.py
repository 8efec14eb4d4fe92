"""Measure accuracy by class and group, and find where the mistakes gather."""
