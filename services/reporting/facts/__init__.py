"""Facts as a set: what was announced, in whatever order and however often it arrived."""
