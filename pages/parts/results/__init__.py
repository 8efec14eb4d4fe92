"""What runs and methods gave."""
