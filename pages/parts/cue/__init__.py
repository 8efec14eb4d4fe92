"""Pointing at what the classifier looks at: the gesture, the proof, and the mask that comes of it."""
