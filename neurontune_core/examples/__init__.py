"""Examples that are made on a person's machine, from photographs that the person fetched."""

EPOCHS = 6  # of the flowers' training, by default; this file loads nothing, so that the command line may read it
