"""Projects, runs and verdicts on disk."""
