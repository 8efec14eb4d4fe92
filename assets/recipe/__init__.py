"""How the built-in examples are made.

Faces: `emoji`, `textures` and `neurontune_core.examples.tag` are put together by `faces`, then `faces_network`, then
`faces_project`. Reviews: `grammar`, then `reviews`, then `reviews_project`.
"""
