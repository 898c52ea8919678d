"""Facts: what was announced, whatever order it arrived in and however often."""
