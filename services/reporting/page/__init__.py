"""The page for the board table: are we there, where not, can we trust it? Figures as people read them, each a link to
its explanation."""
