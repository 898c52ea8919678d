"""`samenspel demo`: real schools, a simulated school year through the public interfaces, and the proof of the figures.

`city` (who there is) and `year` (what happens) are pure and seeded; `play` does it over HTTP; `proof` checks what
`reporting` made of it; `face` prints it.
"""
