"""What builds the data of the tests."""
