"""The simulated school year: a city (`city`) and everything that happens in it (`year`), as data for the player.

Pure and seeded: no clock, no input or output, and the same seed gives the same year.
"""
