"""Images and texts: the wall, the close-up, the map."""
