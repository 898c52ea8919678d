"""`samenspel demo`: real schools, a simulated school year played through the public interfaces, and proofs.

`simulation` says what happens, `play` does it over HTTP, `proofs`, `recount`, `rebuild` and `external_check` prove what
`reporting` made of it, `summary` prints it. See README.md.
"""
