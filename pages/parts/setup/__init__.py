"""A person's own data and model."""
