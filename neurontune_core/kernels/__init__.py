"""Compiled loops over arrays, without meaning of their own."""
