"""How the built-in examples are made.

Faces: `emoji`, `textures` and `tag` are put together by `faces`, then `faces_network`, then `faces_project`. Reviews:
`grammar`, then `reviews`, then `reviews_project`. The older example: `parts`, `compose`, `train`, `ship`.
"""
