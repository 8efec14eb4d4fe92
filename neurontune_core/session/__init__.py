"""One open project in memory, for a screen."""
